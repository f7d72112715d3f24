"""What a reader is given, what it yields, and how it says that it can't."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from lm.clean.decoding import chosen_encoding, find_encoding
from lm.clean.encoding_detection import Detected
from lm.text.archives import Expansion

if TYPE_CHECKING:
    from lm.clean.config import CleanConfig

PART_CHARACTERS = 2**23  # a longer text is read in parts; all of Shakespeare has 5.4 million, the Bible 4.2


class Unreadable(Exception):
    """A file that cannot be read, or not further; the message says why in a few words."""


class Passage(NamedTuple):
    """A document as a reader finds it."""

    text: str | None  # None: a row or message that holds no text, to be counted
    title: str = ""
    number: int = 0  # of the document in its file, for its title; 0 where it has another or is alone
    part: int = 0  # counted from 1; 0 for a whole document
    licence: str = ""


class ReadingSettings(NamedTuple):
    """What the user says of how files are to be read."""

    text_columns: tuple[str, ...] = ()
    separator: str | None = None
    encodings: tuple[str, ...] = ()  # as `clean.encoding` states them

    @classmethod
    def of(cls, config: "CleanConfig") -> "ReadingSettings":
        """Those of the clean stage's config."""
        return cls(config.text_columns, config.separator, config.encoding)


DEFAULTS = ReadingSettings()


@dataclass(slots=True)
class InputFile:
    """A file to be read, and what its reader says of how it read it."""

    path: Path
    name: str
    settings: ReadingSettings
    expansion: Expansion
    separator: str | None = None  # as the corpus's own list states it
    encoding: Detected | None = None  # once it was asked for
    kind: str = ""  # where the reader knows better than the registry: "Telegram chat"
    how: str = ""
    unit: str = "documents"
    amount: int | None = None  # of units; None: as many as there are passages
    left_out: str = ""
    missing_columns: tuple[str, ...] = ()  # that `clean.text_columns` names, and it has not
    max_pages: int | None = None  # of a PDF file, where its beginning will do
    total: int | None = None  # of units in it, where the reader knows at once
    _head: tuple[int, str] = (0, "")

    def found_encoding(self) -> str:
        """The encoding of its text, looked for once."""
        if self.encoding is None:
            self.encoding = find_encoding(self.path, chosen_encoding(self.settings.encodings, self.name))
        return self.encoding.encoding

    def open_text(self) -> IO[str]:
        """Open it as text with `\\n` line ends, whatever encoding it has."""
        return self.path.open(encoding=self.found_encoding(), errors="replace", newline=None)

    def head(self, characters: int) -> str:
        """The beginning of its text."""
        if self._head[0] != characters:
            with self.open_text() as stream:
                self._head = characters, stream.read(characters)
        return self._head[1]


Reader = Callable[[InputFile], Iterator[Passage]]


def not_read(reason: str) -> Reader:
    """Make the reader of a format that holds no text: it raises Unreadable with the reason."""

    def read(_: InputFile) -> Iterator[Passage]:
        yield from ()
        raise Unreadable(reason)

    return read


def in_parts(pieces: Iterator[str], title: str = "") -> Iterator[Passage]:
    """Join pieces of text into one document; into parts of it where it is very long.

    Where the pieces end with Unreadable, those before it are a document too.
    """
    waiting, characters, part = list[str](), 0, 0
    try:
        for piece in pieces:
            if waiting and characters + len(piece) > PART_CHARACTERS:
                part += 1
                yield Passage("".join(waiting), title, part=part)
                waiting, characters = [], 0
            waiting.append(piece)
            characters += len(piece)
    except Unreadable:
        if waiting:
            yield Passage("".join(waiting), title, part=part + 1 if part else 0)
        raise
    yield Passage("".join(waiting), title, part=part + 1 if part else 0)
