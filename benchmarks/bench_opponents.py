"""A model beside compressors of text, static and adaptive: nats and bits per byte of the same held-out text.

`make bench-opponents ARGS="MODEL"`, where MODEL is a run, a key or nothing for the newest model. Static: what was
learned from the training text alone. Adaptive: learning goes on while the held-out text is read, as compressors do. For
the model that is dynamic evaluation (Krause et al. 2018, https://arxiv.org/abs/1709.07432): after each stretch of text
is scored, one step of Adam on it. Its rate is the best over the first tenth of the held-out text.

`--paq8px PROGRAM` asks that program too (minutes, 2 GB), adaptive only.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator
from math import log
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from lm.cli.names import named_model
from lm.compressors.stage import measure
from lm.evaluate.config import EvaluateConfig
from lm.model.decoder import Decoder, load_model
from lm.model.scoring import token_nats
from lm.runs.lineage import origins
from lm.store.artifacts import Store
from lm.text.heldout import extent, sample
from lm.text.splits import Split
from lm.tokenizer.special_tokens import BOUNDARY_ID
from lm.tokenizer.tokens import documents

RATES = (0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
BETAS = (0.9, 0.99)
Tokens = npt.NDArray[np.int64]


def adaptive_nats(model: Decoder, stream: Tokens, rate: float) -> float:
    """Sum of -ln p over a stream of tokens (n,), weights adapted after each half context; the model is changed."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, betas=BETAS)
    context, half = model.shape.context, model.shape.context // 2
    total = 0.0
    for scored in range(0, len(stream) - 1, half):
        end = min(scored + half, len(stream) - 1)
        start = max(end - context, 0)
        window = torch.from_numpy(stream[start : end + 1])[None]
        logits = model(window[:, :-1])[0, scored - start :]
        nats = F.cross_entropy(logits, window[0, scored - start + 1 :], reduction="sum")
        total += nats.item()
        if rate:
            optimiser.zero_grad()
            torch.autograd.backward(nats / (end - scored))
            optimiser.step()
    return total


def heldout_stream(tokens: Path) -> Tokens:
    """All held-out documents, each after the boundary token."""
    pieces = [np.concatenate(([BOUNDARY_ID], document)) for document in documents(tokens, "heldout")]
    return np.concatenate(pieces).astype(np.int64)


def paq8px_bytes(program: Path, text: bytes) -> int:
    """Size of a text after `paq8px -8`."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "text"
        source.write_bytes(text)
        subprocess.run([program, "-8", source], check=True, stdout=subprocess.DEVNULL)
        return sum(file.stat().st_size for file in Path(folder).iterdir() if file != source)


def text(clean: Path, split: Split, cap_bytes: int) -> bytes:
    """One side of the split."""
    return b"".join(sample(clean, split, extent(clean, split), cap_bytes))


def rows(store: Store, name: str | None, paq8px: Path | None) -> Iterator[tuple[str, str, float, float]]:
    """Who, which kind, nats per byte, seconds."""
    found = origins(store, named_model(store, name))
    clean, tokens, folder = (found[stage].path for stage in ("clean", "tokenize", "train"))
    size = extent(clean, "heldout").bytes
    began = time.monotonic()
    static = sum(float(nats.sum()) for nats in token_nats(load_model(folder), documents(tokens, "heldout")))
    yield "Slowburn", "static", static / size, time.monotonic() - began
    stream = heldout_stream(tokens)
    tenth = stream[: len(stream) // 10]
    rate = min(RATES, key=lambda rate: adaptive_nats(load_model(folder), tenth, rate))
    began = time.monotonic()
    adaptive = adaptive_nats(load_model(folder), stream, rate) / size
    yield f"Slowburn, rate {rate:g}", "adaptive", adaptive, time.monotonic() - began
    training, heldout = (text(clean, split, EvaluateConfig().compressor_bytes) for split in ("train", "heldout"))
    began = time.monotonic()
    figures = measure(training, heldout, ["zpaq", "PPMd"], lambda *told: None)
    seconds = time.monotonic() - began
    for compressor in ("zpaq", "PPMd"):
        yield compressor, "static", figures["static"][compressor] * log(2), seconds
        yield compressor, "adaptive", figures["adaptive"][compressor] * log(2), seconds
    if paq8px:
        began = time.monotonic()
        added = paq8px_bytes(paq8px, training + heldout) - paq8px_bytes(paq8px, training)
        yield "paq8px -8", "adaptive", 8 * added / len(heldout) * log(2), time.monotonic() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="run, key or path; else the newest model")
    parser.add_argument("--paq8px", type=Path, metavar="PROGRAM")
    options = parser.parse_args()
    print(f"{'method':24} {'kind':9} {'nats/byte':>9} {'bits/byte':>9} {'of ours':>8} {'seconds':>8}")
    ours: dict[str, float] = {}
    for name, kind, nats, seconds in rows(Store.default(), options.model, options.paq8px):
        ours.setdefault(kind, nats)
        losses = f"{nats:9.4f} {nats / log(2):9.4f} {nats / ours[kind]:8.3f}"
        print(f"{name:24} {kind:9} {losses} {seconds:8.1f}", flush=True)
    print("of ours: over Slowburn's figure of the same kind; above 1 the model knows more. zpaq and PPMd in one time.")


if __name__ == "__main__":
    main()
