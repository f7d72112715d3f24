"""The compressors: PPMd, and zpaq where its library runs."""

import importlib.util
from collections.abc import Mapping
from typing import Protocol

from lm.hardware.cores import cpu_flags

PPMD_ORDER = 6  # bytes of context; 5 to 16 were tried
PPMD_MEMORY_BYTES = 16 << 20
ZPAQ_MODELS = (  # those of method 5 for text; given one by one, for the method itself adds others where a text repeats
    "w2c0,1010,255i1c256ci1,1,1,1,1,1,2ac0,2,0,255i1c0,3,0,0,255i1c0,4,0,0,0,255i1mm16ts19t0"
)
ZPAQ_HEADER_BYTES = 4096  # of a block


class Compress(Protocol):
    """A compressor."""

    def __call__(self, text: bytes, /, largest_bytes: int) -> int:
        """Compressed bytes of a text; `largest_bytes` is the size of the largest that it is compared with."""


def ppmd_bytes(text: bytes, /, largest_bytes: int) -> int:
    """Size of a text after PPMd variant I (D. Shkarin 2002, "PPM: one step to practicality"), as zip files have it."""
    from pyppmd import Ppmd8Encoder

    encoder = Ppmd8Encoder(PPMD_ORDER, PPMD_MEMORY_BYTES)
    return len(encoder.encode(text)) + len(encoder.flush())


def zpaq_bytes(text: bytes, /, largest_bytes: int) -> int:
    """Size of a text after zpaq's method 5, which mixes contexts (M. Mahoney, "The ZPAQ Compression Algorithm")."""
    import zpaq

    block = max((largest_bytes + ZPAQ_HEADER_BYTES - 1).bit_length() - 20, 0)  # 2^block MiB: the size of its tables
    return len(zpaq.compress(text, method=f"x{block},0{ZPAQ_MODELS}", threads=1))


def why_no_zpaq() -> str | None:
    """Say why zpaq cannot run here; None where it can."""
    if importlib.util.find_spec("zpaq") is None:
        return "it is not installed (pip install zpaq)"
    if (flags := cpu_flags()) and "avx2" not in flags:  # its wheel would end the process with SIGILL
        return "it needs a processor with AVX2"
    return None


COMPRESSORS: Mapping[str, Compress] = {"PPMd": ppmd_bytes, "zpaq": zpaq_bytes}
