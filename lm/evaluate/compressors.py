"""General compressors as language models: what a text costs to one that has just read the training text."""

import bz2
import lzma
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lm.hardware.cores import chosen_cores

XZ = {"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 4 << 20}
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "bz2": lambda data: bz2.compress(data, 9),
    "xz": lambda data: lzma.compress(data, filters=[XZ]),
}


def conditional_bytes(name: str, training: bytes, heldout: bytes) -> int:
    """Compressed bytes that held-out text adds after the training text: |C(training + heldout)| - |C(training)|.

    `name` is a key of COMPRESSORS. bz2 looks back over at most 900 kB, xz over 4 MiB, for which it takes 48 MiB of
    memory, twice where there are two cores.
    """
    with ThreadPoolExecutor(min(2, chosen_cores())) as pool:
        both, alone = pool.map(COMPRESSORS[name], (training + heldout, training))
    return len(both) - len(alone)
