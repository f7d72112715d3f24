"""Tables with a column of text: JSON lines and parquet files, row by row."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from lm.text.licences import tidy

TEXT_COLUMNS = ("text", "content", "body", "article", "story", "passage", "document")  # in this order, then the longest
LICENCE_COLUMNS = ("license", "licence")
TITLE_COLUMNS = ("title", "document", "name", "id", "url")
MAX_LINE = 2**26  # characters of a row of JSON
LINES_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")
MAX_TITLE = 200  # characters
BATCH_ROWS = 64


class Row(NamedTuple):
    """One row: its text, None where it holds none, the column that this is from, and what others say of it."""

    number: int
    text: str | None
    column: str = ""
    title: str = ""
    licence: str = ""


class UnreadableTable(Exception):
    """A table that cannot be read, or (further) at all; the message says why in a few words."""


def looks_like_json_lines(name: str, path: Path) -> bool:
    """Whether a text file is a table of JSON lines: by its name, or for `.json` by its first line."""
    if name.lower().endswith(LINES_SUFFIXES):
        return True
    if not name.lower().endswith(".json"):
        return False
    with path.open("rb") as stream:
        try:
            row = json.loads(stream.readline(MAX_LINE))
        except (ValueError, RecursionError):
            return False
        return isinstance(row, dict) and bool(stream.read(1)) and _text_column(row) is not None


def json_rows(stream: IO[str], first: int = 1) -> Iterator[Row]:
    """Read JSON lines, numbered from `first`.

    A line that is no object with a text, or is longer than 64 million characters, gives None.
    """
    number, column = first - 1, None
    while line := stream.readline(MAX_LINE):
        number += 1
        whole = line.endswith("\n") or len(line) < MAX_LINE
        while not whole:
            whole = (rest := stream.readline(MAX_LINE)).endswith("\n") or not rest
            line = ""
        if line.isspace():
            continue
        values = _parsed(line)
        if not isinstance(values, dict):
            yield Row(number, None)
            continue
        if column is None or column not in values:
            column = _text_column(values) or column
        yield _row(number, values, column)


def _parsed(line: str) -> Any:
    """What a line of JSON holds; None where it is none."""
    try:
        return orjson.loads(line)
    except ValueError:  # or what Python's takes too: NaN, half of a surrogate pair
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            return None


def parquet_rows(path: Path) -> Iterator[Row]:
    """Read a parquet file, a few rows at a time. Raises UnreadableTable."""
    import pyarrow as pa  # deferred, as in every reader of parquet: it weighs 100 MiB
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            strings = [field.name for field in file.schema_arrow if _is_string(field.type)]
            first = next(file.iter_batches(BATCH_ROWS, columns=strings), None) if strings else None
            if first is None or not len(first):
                raise UnreadableTable("a table without a column of text" if not strings else "a table without rows")
            column = _longest_column(first.to_pydict())
            titles = [name for name in TITLE_COLUMNS if name in strings and name != column][:1]
            licences = [name for name in LICENCE_COLUMNS if name in strings and name != column][:1]
            number = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=[column, *titles, *licences]):
                for values in batch.to_pylist():
                    number += 1
                    yield _row(number, values, column)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableTable("a damaged parquet file") from error


def _is_string(kind: Any) -> bool:
    return str(kind) in ("string", "large_string", "string_view")


def _longest_column(columns: Mapping[str, list[Any]]) -> str:
    lengths = {name: sum(len(value or "") for value in values) for name, values in columns.items()}
    named = (name for name in TEXT_COLUMNS if lengths.get(name))
    return next(named, max(lengths, key=lambda name: lengths[name]))


def _text_column(values: Mapping[str, Any]) -> str | None:
    strings = {name: [value] for name, value in values.items() if isinstance(value, str)}
    return _longest_column(strings) if strings else None


def _row(number: int, values: Mapping[str, Any], column: str | None) -> Row:
    text = values.get(column) if column else None
    titles = (values[name] for name in TITLE_COLUMNS if name in values and name != column)
    title = next((title for title in titles if isinstance(title, str) and title), "")
    licence = next((found for name in LICENCE_COLUMNS if name in values and (found := tidy(values[name]))), "")
    return Row(number, text if isinstance(text, str) else None, column or "", title[:MAX_TITLE], licence)
