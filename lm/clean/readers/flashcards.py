"""Notes that Anki exports as text: the sides of each card a document."""

import csv
import re
from collections.abc import Iterator
from typing import IO

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.pages import markup_text

SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|", "colon": ":"}
_SETTING = re.compile(r"\ufeff?#([a-z]+(?: column)?):(.*)\n")
_NO_TEXT = re.compile(r"\[sound:[^\]]*\]|\{\{c\d+::(.*?)(?:::[^{}]*)?\}\}", re.S)
MAX_FIELD = 2**24  # characters


def is_flashcards(head: str) -> bool:
    """Whether a text begins as Anki's exports do."""
    return bool(re.match(r"\ufeff?#separator:\w+\n", head))


def read_flashcards(file: InputFile) -> Iterator[Passage]:
    """Read the fields of each note, a line each, without tags, decks and markup. Raises Unreadable."""
    csv.field_size_limit(MAX_FIELD)
    file.unit, file.left_out = "notes", "tags, decks and markup left out"
    with file.open_text() as stream:
        settings, lines = _settings(stream)
        separator = SEPARATORS.get(settings.get("separator", "").lower(), "\t")
        others = {int(place) for name, place in settings.items() if name.endswith(" column") and place.isdigit()}
        try:
            for number, row in enumerate(csv.reader(lines, delimiter=separator), 1):
                fields = [_plain(cell) for place, cell in enumerate(row, 1) if place not in others]
                yield Passage("\n".join(filter(None, fields)) or None, number=number)
        except csv.Error as error:
            raise Unreadable(f"flashcards that break off: {error}") from None


def _settings(stream: IO[str]) -> tuple[dict[str, str], Iterator[str]]:
    """What the first lines say, and all lines after them."""
    settings = dict[str, str]()
    for line in stream:
        if not (setting := _SETTING.match(line)):
            return settings, _chained(line, stream)
        settings[setting[1]] = setting[2].strip()
    return settings, iter(())


def _chained(first: str, others: IO[str]) -> Iterator[str]:
    yield first
    yield from others


def _plain(field: str) -> str:
    text = _NO_TEXT.sub(lambda match: match[1] or "", field)
    if "<" in text or "&" in text:
        text = markup_text(text) or ""
    return " ".join(text.split()) if "\n" not in text.strip() else text.strip()
