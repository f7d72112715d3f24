"""Openings to write on from, taken from held-out text, with what a human wrote next."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lm.text.documents import read_documents
from lm.text.heldout import extent

OPENING_CHARACTERS = 40
PARAGRAPH_WITHIN_CHARACTERS = 2000


@dataclass(frozen=True)
class HeldoutPrompt:
    """The first words of a document or paragraph, and all that follows them there."""

    text: str
    continuation: str


def openings(texts: Iterable[str], total_characters: int, total_texts: int, count: int) -> Iterator[HeldoutPrompt]:
    """Take up to `count` openings, spread evenly over texts of `total_characters` in all.

    Each is the beginning of a text where there are enough of them, else of a paragraph (or line, where a text has
    none). Nothing is drawn at random. Fewer come where the texts are too short.
    """
    seen, taken = 0, 0
    for text in texts:
        position = 0
        while taken < count and (target := (2 * taken + 1) * total_characters // (2 * count)) < seen + len(text):
            taken += 1
            if total_texts < count:
                position = _paragraph_after(text, max(position, target - seen))
            opening = _first_words(text[position : position + OPENING_CHARACTERS])
            start = text.find(opening, position)
            position = start + len(opening)
            if opening and text[position:].strip():
                yield HeldoutPrompt(opening, text[position:])
            if total_texts >= count:
                break
        seen += len(text)


def heldout_prompts(clean: Path, count: int) -> list[HeldoutPrompt]:
    """Take up to `count` openings from the held-out text of a clean artifact's folder."""
    heldout = extent(clean, "heldout")
    texts = (document.text for document in read_documents(clean, "heldout"))
    return list(openings(texts, heldout.characters, heldout.documents, count))


def _paragraph_after(text: str, position: int) -> int:
    for end in ("\n\n", "\n"):
        found = text.find(end, position, position + PARAGRAPH_WITHIN_CHARACTERS)
        if found >= 0:
            return found + len(end)
    return position


def _first_words(text: str) -> str:
    """The text without a word that may be cut off at its end; all of it where there are no spaces."""
    text = text.lstrip("\n")
    words = text.rpartition(" ")[0].rstrip() if len(text) > OPENING_CHARACTERS // 2 else ""
    return words or text.rstrip()
