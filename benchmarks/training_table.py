"""The table that `make bench-training` prints, from the figures it measured."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lm.formatting import format_bytes, format_count

PROMISED_SHARE_OF_PEAK, PROMISED_SAVING, PROMISED_LOOKING = 0.45, 0.02, 0.05


def print_table(figures: dict[str, Any]) -> None:
    """Print everything, one topic after the other."""
    for lines in (_head(figures), _quality(figures), _hardware(figures), _step(figures), _interruptions(figures)):
        print(*lines, sep="\n", end="\n\n")


def _head(figures: dict[str, Any]) -> Iterator[str]:
    machine, ours = figures["machine"], figures["slowburn"]
    yield f"{machine['cpu']}, threads: {figures['threads']}, torch {machine['torch']}, {machine['device']}"
    corpus, sizes = Path(figures["corpus"]).name, (figures["train_bytes"], ours["heldout_bytes"])
    yield "{}: {:,} bytes to train on, {:,} held out ({} split)".format(corpus, *sizes, figures["split"])


def _quality(figures: dict[str, Any]) -> Iterator[str]:
    """Quality at equal time, and speed."""
    ours = figures["slowburn"]
    yield (
        f"{'':47} {'nats/byte':>9} {'bits/byte':>9} {'ratio':>6} {'seconds':>8} {'params':>7} "
        f"{'tokens/s':>9} {'bytes/s':>9} {'ratio':>6} {'of peak':>7}"
    )
    for name, row in (("Slowburn", ours), *_peers(figures)):
        loss = _loss(row["nats_per_byte"], ours["nats_per_byte"])
        share = row["tokens_per_second"] * row["flops_per_token"] / _peak(figures, row)
        yield (
            f"{f'{name}: {_describe(row)}':47} {loss} {row['seconds']:8.1f} {format_count(row['parameters']):>7} "
            f"{row['tokens_per_second']:9,.0f} {row['bytes_per_second']:9,.0f} "
            f"{row['bytes_per_second'] / ours['bytes_per_second']:6.2f} {share:7.1%}"
        )
    for name, nats in figures["baselines"].items():
        yield f"{name:47} {_loss(nats, ours['nats_per_byte'])}"
    yield "ratio: over Slowburn's. of peak: of square matrix products in the row's precision, the whole training."


def _hardware(figures: dict[str, Any]) -> Iterator[str]:
    machine, ours = figures["machine"], figures["slowburn"]
    flops, peak = ours["flops_per_token"], _peak(figures, ours)
    in_step = figures["tokens_per_step"] * flops / figures["step_seconds"]
    whole = ours["tokens_per_second"] * flops
    yield (
        f"peak of matrix products: {machine['bf16_flops_per_second'] / 1e9:,.0f} GFLOP/s in bf16, "
        f"{machine['fp32_flops_per_second'] / 1e9:,.0f} in fp32; trained in {ours['settings']['precision']}"
    )
    yield (
        f"achieved: {in_step / 1e9:,.0f} GFLOP/s in a step, {in_step / peak:.1%}; over the whole training "
        f"{whole / 1e9:,.0f}, {whole / peak:.1%} (aim {PROMISED_SHARE_OF_PEAK:.0%}), at {flops / 1e6:.2f} MFLOP a token"
    )


def _step(figures: dict[str, Any]) -> Iterator[str]:
    seconds, ours = figures["step_seconds"], figures["slowburn"]
    products = figures["tokens_per_step"] * ours["flops_per_token"] / _peak(figures, ours)
    yield f"{'a step of ' + format_count(figures['tokens_per_step']) + ' tokens':24} {seconds * 1e3:9.2f} ms"
    for part, taken in figures["parts"].items():
        yield f"  {part:22} {taken * 1e3:9.2f} ms {taken / seconds:6.1%}"
    yield f"  {'at the peak, all of it':22} {products * 1e3:9.2f} ms {products / seconds:6.1%}"


def _interruptions(figures: dict[str, Any]) -> Iterator[str]:
    """What leaves the training no step: checkpoints and looks at the held-out loss."""
    save, interval = figures["save_seconds"], figures["checkpoint_seconds"]
    looks, look, whole = figures["heldout_looks"], figures["look_seconds"], figures["slowburn"]["seconds"]
    yield (
        f"checkpoint: {save:.3f} s a save of {format_bytes(figures['checkpoint_bytes'])}; every {interval:g} s that is "
        f"{save / (interval + save):.2%} of the training (promised {PROMISED_SAVING:.0%} at most)"
    )
    yield (
        f"held-out loss: {look:.3f} s a look, {looks} of them: {looks * look / whole:.2%} of the training "
        f"(promised {PROMISED_LOOKING:.0%} at most)"
    )


def _peers(figures: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    names = {"tuned": "Hugging Face Trainer", "nanogpt": "nanoGPT's numbers in it"}
    for kind, row in figures["peers"].items():
        yield names[kind], row


def _describe(row: dict[str, Any]) -> str:
    settings = row["settings"]
    return f"{settings['layers']}x{settings['width']}, {settings['precision']}, {settings['steps']:,} steps"


def _loss(nats: float, ours: float) -> str:
    return f"{nats:9.4f} {nats / math.log(2):9.4f} {nats / ours:6.3f}"


def _peak(figures: dict[str, Any], row: dict[str, Any]) -> float:
    return float(figures["machine"][f"{row['settings']['precision']}_flops_per_second"])
