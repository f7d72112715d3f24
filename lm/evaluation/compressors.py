"""General compressors as language models: what a text costs to one that has just read the training text."""

import bz2
import lzma
from collections.abc import Callable

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "bz2": lambda data: bz2.compress(data, 9),
    "xz": lambda data: lzma.compress(data, preset=6),
}


def conditional_bytes(name: str, training: bytes, heldout: bytes) -> int:
    """Compressed bytes that held-out text adds after the training text: |C(training + heldout)| - |C(training)|.

    `name` is a key of COMPRESSORS. bz2 looks back over at most 900 kB, xz at this preset over 8 MiB.
    """
    compress = COMPRESSORS[name]
    return len(compress(training + heldout)) - len(compress(training))
