"""Plain texts: a file is one document, or as many as its separators say; very long ones are read in parts."""

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from lm.clean.readers.input_file import PART_CHARACTERS, InputFile, Passage

HEAD_CHARACTERS = 2**16  # in which a marker must stand to be one
START, END = "<|startoftext|>", "<|endoftext|>"
TOKEN = re.compile(r"<\|[\w ]{1,40}\|>|<(?:/?s|eos|bos|sep|end|EOS|BOS|SEP)>|\[(?:EOS|BOS|SEP)\]")
# At the beginning or end of a line, or right behind a word: not where a text tells of it.
_MARKED = re.compile(
    r"(?m)^<\|(?:end|start)oftext\|>|(?<![\"'`(\[])<\|endoftext\|>[ \t]*$"
    r"|(?<=[^\s\"'`(\[])<\|endoftext\|>(?=[^\"'`)\]])"
)
BLOCK_CHARACTERS = 2**18


class Separator(NamedTuple):
    """What stands between documents: a token wherever it stands, anything else as a line of its own."""

    text: str

    @property
    def is_token(self) -> bool:
        """Whether it may stand within a line."""
        return bool(TOKEN.fullmatch(self.text))

    def pattern(self) -> re.Pattern[str]:
        """Find it, with the end of its line."""
        if self.is_token:
            return re.compile(rf"{re.escape(self.text)}[ \t]*\n?")
        return re.compile(rf"(?m)^{re.escape(self.text)}(?:\n|\Z)")


def find_separator(head: str, stated: str | None) -> Separator | None:
    """What separates the documents of a text: what is stated, else the marker that its beginning has."""
    if stated:
        return Separator(stated)
    head = head[:HEAD_CHARACTERS]
    if not (START in head or END in head) or not _MARKED.search(head):
        return None
    return Separator(END if END in head else START)


def read_text(file: InputFile) -> Iterator[Passage]:
    """Read a text, or the texts between separators."""
    yield from read_text_after(file, 0)


def read_text_after(file: InputFile, characters: int) -> Iterator[Passage]:
    """The same of what follows the first characters."""
    separator = find_separator(file.head(HEAD_CHARACTERS), file.separator or file.settings.separator)
    with file.open_text() as stream:
        stream.read(characters)
        yield from texts_of(file, stream, separator)


def texts_of(file: InputFile, stream: IO[str], separator: Separator | None, first: int = 1) -> Iterator[Passage]:
    """The texts of a stream, numbered from `first` where there are several."""
    if separator is None:
        yield from _parts(stream)
        return
    file.how = f"separated by {separator.text}"
    for number, text in enumerate(_separated(stream, separator), first):
        yield Passage(text, number=number)


def _separated(stream: IO[str], separator: Separator) -> Iterator[str]:
    """The texts between separators; one that is very long in pieces."""
    pattern, waiting = separator.pattern(), ""
    while block := stream.read(BLOCK_CHARACTERS):
        waiting += block
        complete = _complete(waiting, separator)
        start = 0
        for match in pattern.finditer(waiting, 0, complete):
            yield _tidy(waiting[start : match.start()])
            start = match.end()
        waiting = waiting[start:]
        if len(waiting) >= PART_CHARACTERS:
            end = max(waiting.rfind("\n", 0, PART_CHARACTERS) + 1, 0) or PART_CHARACTERS
            yield _tidy(waiting[:end])
            waiting = waiting[end:]
    yield from (_tidy(text) for text in pattern.split(waiting))


def _tidy(text: str) -> str:
    return text.replace(START, "").strip("\n")


def _complete(text: str, separator: Separator) -> int:
    """How much of a text has all that belongs to its separators: further text may go on with the last line."""
    return max(text.rfind("\n") + 1, len(text) - 2 * len(separator.text) if separator.is_token else 0, 0)


def _parts(stream: IO[str]) -> Iterator[Passage]:
    """A text whole, or in parts that end at an empty line, else at the end of a line, else of a word."""
    text, part = stream.read(PART_CHARACTERS), 0
    while len(text) >= PART_CHARACTERS and (more := stream.read(PART_CHARACTERS // 4)):
        end = next((found + len(gap) for gap in ("\n\n", "\n", " ") if (found := _last(text, gap)) > 0), len(text))
        head, text = text[:end], text[end:] + more
        part += 1
        yield Passage(head, part=part)
        del head, more
        text += stream.read(PART_CHARACTERS - len(text)) if len(text) < PART_CHARACTERS else ""
    yield Passage(text, part=part + 1 if part else 0)


def _last(text: str, gap: str) -> int:
    return text.rfind(gap, 3 * len(text) // 4)
