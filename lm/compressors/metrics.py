"""What the compressors stage says of a text."""

from lm.compressors.config import STATIC
from lm.config import StageMetrics


class CompressorsMetrics(StageMetrics):
    """Bits per byte of each compressor, and which text it read."""

    bits_per_byte: dict[str, float]
    training_bytes: int
    heldout_bytes: int

    @property
    def headline(self) -> str:
        """Those that do not learn from the held-out text."""
        static = {name: bits for name, bits in self.bits_per_byte.items() if name.endswith(STATIC)}
        return ", ".join(f"{name} {bits:.3f}" for name, bits in static.items()) + " bits per byte"
