"""JSON lines: a row a line."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any

import orjson

from lm.clean.readers.chat_exports import PLAIN, counted_lines, recognise_export
from lm.clean.readers.columns import (
    MIN_LONG,
    SAMPLE_CHARACTERS,
    SAMPLE_ROWS,
    Columns,
    choose_columns,
    column_names,
    has_columns,
    row_licence,
    row_text,
    row_title,
)
from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts
from lm.clean.readers.prose import is_prose

MAX_LINE = 2**26  # characters of a row of JSON
LOOKED_AT_LINES = 20
GONE = ("[deleted]", "[removed]")  # what a forum shows in the place of a text
MAX_SHAPES = 1000  # sets of columns whose text is remembered


def read_json_lines(file: InputFile) -> Iterator[Passage]:
    """Read all rows. Raises Unreadable where none of the first holds text."""
    columns = choose_for(file)
    with file.open_text() as stream:
        yield from read_rows(file, stream, columns)


def holds_messages(head: str) -> bool:
    """Whether the first rows of a text are messages that a program exported."""
    lines = head.split("\n")[:LOOKED_AT_LINES]
    rows = [row for line in lines if isinstance(row := parsed(line), dict)]  # the last line may be cut
    return len(rows) > 1 and recognise_export(rows) is not None


def read_message_lines(file: InputFile) -> Iterator[Passage]:
    """Read the messages as one conversation: a message a line."""
    with file.open_text() as stream:
        values = list(islice(_sample(stream), SAMPLE_ROWS))
    export = recognise_export([value for value in values if isinstance(value, dict)]) or PLAIN
    file.kind, file.unit, file.amount = export.name, "messages", 0
    with file.open_text() as stream:
        rows = (parsed(line) for line in bounded_lines(stream) if line)
        yield from in_parts(counted_lines(rows, export, file))


def choose_for(file: InputFile) -> Columns:
    """The columns of text of a file's rows, by the first of these. Raises Unreadable where there is none."""
    with file.open_text() as stream:
        values = list(islice(_sample(stream), SAMPLE_ROWS))
    return chosen_columns([value for value in values if isinstance(value, dict)], file, strings=values)


def chosen_columns(rows: list[Any], file: InputFile, strings: Iterable[Any] = ()) -> Columns:
    """The columns of text of a sample of rows, told to the file. Raises Unreadable where there is none."""
    columns = choose_columns(rows, file.settings.text_columns)
    if columns is None:
        texts = [value for value in strings if isinstance(value, str)]
        if texts and (not rows or any(map(is_prose, texts))):
            return Columns(())
        raise Unreadable(no_text_column(column_names(rows), file.settings.text_columns))
    file.kind, file.how, file.unit, file.left_out = "table", columns.how(), "rows", columns.left_out()
    file.missing_columns = columns.missing
    return columns


def no_text_column(names: list[str], asked: tuple[str, ...]) -> str:
    """Say which columns there are where none holds text."""
    there = ", ".join(names[:12]) + (", …" if len(names) > 12 else "") if names else "no columns"
    if asked:
        return f"a table without a column {' or '.join(asked)} (it has {there}; see clean.text_columns)"
    return f"a table without a column of text (it has {there}; name one with --set clean.text_columns)"


def _sample(stream: IO[str]) -> Iterator[Any]:
    characters = 0
    for line in bounded_lines(stream):
        characters += len(line or "")
        if line and (value := parsed(line)) is not None:
            yield value
        if characters > SAMPLE_CHARACTERS:
            return


def bounded_lines(stream: IO[str]) -> Iterator[str | None]:
    """The lines of a stream; None for one that is longer than MAX_LINE."""
    while line := stream.readline(MAX_LINE):
        whole = line.endswith("\n") or len(line) < MAX_LINE
        while not whole:
            whole = (rest := stream.readline(MAX_LINE)).endswith("\n") or not rest
            line = ""
        yield line or None


def read_rows(file: InputFile, stream: IO[str], columns: Columns, first: int = 1) -> Iterator[Passage]:
    """Read rows, numbered from `first`. A line that holds no text, or is too long, gives a passage without one."""
    asked, others = file.settings.text_columns, dict[tuple[str, ...], Columns]()
    for number, line in enumerate(bounded_lines(stream), first):
        if line and line.isspace():
            continue
        yield passage_of(parsed(line) if line else None, number, columns, asked, others)


def passage_of(
    value: Any, number: int, columns: Columns, asked: tuple[str, ...], others: dict[tuple[str, ...], Columns]
) -> Passage:
    """The passage of a row; a row of other columns than the table's is read by its own, kept in `others`."""
    if isinstance(value, str):
        return Passage(value, number=number)
    if not isinstance(value, dict):
        return Passage(None, number=number)
    text = row_text(value, columns)
    if text is None and not asked and not has_columns(value, columns):
        names = tuple(value)
        if names not in others:
            if len(others) == MAX_SHAPES:
                others.clear()
            others[names] = choose_columns([value]) or Columns(())
        columns = others[names]
        text = row_text(value, columns)
        if text is not None and not (is_prose(text) or len(text) >= MIN_LONG):
            text = None  # a label or a path: the table's own text is what such a row has not
    if text in GONE:
        text = None
    return Passage(text, row_title(value, columns), number, licence=row_licence(value))


def parsed(line: str) -> Any:
    """What a line of JSON holds; None where it is none."""
    try:
        return orjson.loads(line)
    except ValueError:  # or what Python's takes too: NaN, half of a surrogate pair
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            return None
