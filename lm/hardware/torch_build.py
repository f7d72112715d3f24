"""Which build of torch is installed, told without loading it."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = ("libtorch_cuda.so", "torch_cuda.dll")


@cache
def has_cuda_libraries() -> bool:
    """Whether torch carries CUDA libraries: they are loaded with it, whether there is a card or not."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    folder = Path(spec.origin).parent / "lib"
    return any((folder / name).exists() for name in LIBRARIES)


def cuda_libraries_bytes(loaded_bytes: int) -> int:
    """What a process holds of CUDA libraries that it has no use for: so much, where torch carries them."""
    return loaded_bytes if has_cuda_libraries() else 0
