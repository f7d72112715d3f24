"""The compressors stage: bits per byte of held-out text, static and adaptive.

Adaptive: |C(training + held-out)| - |C(training)|. The compressor goes on learning while it reads the held-out text.
Static: the mean of |C(training + piece)| - |C(training)| over short pieces of it, each after the training text alone.
Our model does not learn while it is measured, so the static figure is its equal.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypedDict

from lm.compressors.config import ADAPTIVE, COMPRESSORS_FILE, STATIC, CompressorsConfig
from lm.compressors.libraries import COMPRESSORS
from lm.compressors.metrics import CompressorsMetrics
from lm.hardware.cores import chosen_cores
from lm.progress import Progress
from lm.store.files import write_json
from lm.text.heldout import extent, sample
from lm.text.splits import Split

SCHEMA_VERSION = 1
PIECE_BYTES = 4096
PIECES = 16  # that PPMd reads, the fast one
SLOW_PIECES = 4  # of them, that the others read: PPMd's figure over all pieces is scaled by their ratio over these
FAST = "PPMd"
THREADS = 2  # of a slow compressor; two of PPMd at once are slower than one after the other


class CompressorFigures(TypedDict):
    """What `compressors.json` holds."""

    schema_version: int
    training_bytes: int  # that the compressors read
    heldout_bytes: int  # of the adaptive figure
    piece_bytes: int  # of one piece of the static figure
    pieces: int
    adaptive: dict[str, float]  # bits per byte, by the compressor's name
    static: dict[str, float]


def compress(clean: Path, config: CompressorsConfig, out: Path, progress: Progress) -> CompressorsMetrics:
    """Measure the compressors on the clean text in folder `clean`; write `compressors.json` into folder `out`."""
    training, heldout = (_text(clean, split, config.text_bytes) for split in ("train", "heldout"))
    found = measure(training, heldout, ["zpaq", FAST] if config.zpaq else [FAST], progress)
    write_json(out / COMPRESSORS_FILE, found)
    return CompressorsMetrics(
        bits_per_byte=by_name(found),
        training_bytes=found["training_bytes"],
        heldout_bytes=found["heldout_bytes"],
    )


def by_name(figures: CompressorFigures) -> dict[str, float]:
    """All figures, named for what they are."""
    static = {f"{name} {STATIC}": bits for name, bits in figures["static"].items()}
    return static | {f"{name} {ADAPTIVE}": bits for name, bits in figures["adaptive"].items()}


def measure(training: bytes, heldout: bytes, names: Sequence[str], progress: Progress) -> CompressorFigures:
    """Bits per byte that held-out text adds after the training text, of each of these compressors."""
    pieces = _pieces(heldout)
    some = [pieces[index] for index in _some(len(pieces))]
    read = {name: pieces if name == FAST else some for name in names}
    added = _added_bytes({name: [heldout, *read[name]] for name in names}, training, progress)
    static = {name: _bits(added[name][1:], read[name]) for name in names}
    of_fast = _bits([added[FAST][1 + index] for index in _some(len(pieces))], some)
    static |= {name: static[name] * static[FAST] / of_fast for name in names if name != FAST}
    return {
        "schema_version": SCHEMA_VERSION,
        "training_bytes": len(training),
        "heldout_bytes": len(heldout),
        "piece_bytes": PIECE_BYTES,
        "pieces": len(pieces),
        "adaptive": {name: _bits(added[name][:1], [heldout]) for name in names},
        "static": static,
    }


def _added_bytes(texts: Mapping[str, Sequence[bytes]], training: bytes, progress: Progress) -> dict[str, list[int]]:
    """Compressed bytes that each of these texts adds after the training text, by the compressor's name."""
    readings = {name: [training, *(training + text for text in after)] for name, after in texts.items()}
    sizes: dict[str, list[int]] = {name: [] for name in texts}
    total, done = sum(len(text) for reading in readings.values() for text in reading), 0
    for name, reading in readings.items():
        size = partial(COMPRESSORS[name], largest_bytes=max(map(len, reading)))
        with ThreadPoolExecutor(1 if name == FAST else min(THREADS, chosen_cores())) as pool:
            for text, compressed in zip(reading, pool.map(size, reading), strict=True):
                sizes[name].append(compressed)
                done += len(text)
                progress(done, total, "byte", f"reading with {name}, once for this text")
    return {name: [size - found[0] for size in found[1:]] for name, found in sizes.items()}


def _text(clean: Path, split: Split, cap_bytes: int) -> bytes:
    return b"".join(sample(clean, split, extent(clean, split), cap_bytes))


def _pieces(heldout: bytes) -> list[bytes]:
    """Stretches spread evenly over the held-out text, none of which overlap."""
    count = max(min(PIECES, len(heldout) // PIECE_BYTES), 1)
    starts = [index * len(heldout) // count for index in range(count)]
    return [heldout[start : start + PIECE_BYTES] for start in starts]


def _some(pieces: int) -> list[int]:
    """Numbers of a few of the pieces, from the middle of as many parts."""
    count = min(SLOW_PIECES, pieces)
    return [(2 * index + 1) * pieces // (2 * count) for index in range(count)]


def _bits(sizes: Sequence[int], texts: Sequence[bytes]) -> float:
    """Bits per byte."""
    return 8 * sum(sizes) / sum(map(len, texts))
