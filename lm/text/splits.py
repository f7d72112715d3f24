"""The two sides of a text: what is trained on, and what is held out. Light."""

from typing import Literal

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, Split] = ("train", "heldout")
TextUnit = Literal["documents", "characters", "bytes"]
TEXT_UNITS: tuple[TextUnit, ...] = ("documents", "characters", "bytes")
