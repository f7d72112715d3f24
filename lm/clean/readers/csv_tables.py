"""Tables of separated values, as spreadsheets and programs write them: separator, quoting and header are found."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO, NamedTuple

from lm.clean.readers.columns import (
    HEADINGS,
    INSTRUCTIONS,
    SAMPLE_ROWS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    Columns,
    choose_columns,
    row_licence,
    row_text,
    row_title,
)
from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.json_lines import chosen_columns
from lm.clean.readers.prose import is_code, is_prose

SAMPLE_CHARACTERS = 2**18  # by which the form of a table is found
MAX_LINE = 2**24  # characters
SEPARATORS = ("\t", ";", "|", ",")  # the likelier first, where several would do: commas stand in text too
NO_SEPARATOR = "\x1f"  # of a table of one column, whose commas are text
MIN_EVEN_SHARE = 0.7  # of rows that have as many fields as the first
MIN_ROWS = 20  # of a table that nothing but its content shows
MAX_HEADER = 60  # characters of a column's name
KNOWN_NAMES = frozenset({*TEXT_COLUMNS, *TITLE_COLUMNS, *HEADINGS, *INSTRUCTIONS})
_SAID_SEPARATOR = re.compile(r"sep=(.)\n", re.I)  # a line that Excel reads and writes
Cells = list[str]


class TableForm(NamedTuple):
    """How the values of a table are set apart."""

    separator: str
    quoted: bool = True
    backslashes: bool = False  # a quote in a value has a backslash before it, rather than a second one
    first_line: int = 0  # lines before the table

    def rows(self, lines: Iterator[str]) -> Iterator[Cells]:
        """Read rows."""
        return csv.reader(
            islice(lines, self.first_line, None),
            delimiter=self.separator,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            doublequote=not self.backslashes,
            escapechar="\\" if self.backslashes else None,
        )


def find_form(sample: str) -> TableForm:
    """Find the form in which most rows of a table's beginning have as many fields as its first."""
    if said := _SAID_SEPARATOR.match(sample):
        return TableForm(said[1], first_line=1)
    backslashes = '\\"' in sample and '""' not in sample.replace('\\""', "")
    forms = [TableForm(separator, quoted, backslashes) for quoted in (True, False) for separator in SEPARATORS]
    best = max(forms, key=lambda form: _evenness(form, sample))
    if _evenness(best, sample) >= MIN_EVEN_SHARE:
        return best
    loose = (form for form in forms if _is_loose(_beginning(form, sample)))
    return next(loose, TableForm(NO_SEPARATOR, backslashes=backslashes))


def _beginning(form: TableForm, sample: str) -> list[Cells]:
    """The rows of a sample, but the last if it may be cut."""
    try:
        rows = [row for row in islice(form.rows(iter(sample.splitlines(keepends=True))), SAMPLE_ROWS) if row]
    except csv.Error:
        return []
    return rows[:-1] if len(rows) > 2 and not sample.endswith("\n") else rows


def _evenness(form: TableForm, sample: str) -> float:
    """The share of rows that have as many fields as the first, if these are several."""
    rows = _beginning(form, sample)
    fields = len(rows[0]) if rows else 0
    return sum(len(row) == fields for row in rows) / len(rows) if fields > 1 else 0.0


def _is_loose(rows: list[Cells]) -> bool:
    """Whether these are rows under a header whose last values hold separators that nobody quoted."""
    named = len(rows) > 1 and len(rows[0]) > 1 and any(cell.strip().lower() in KNOWN_NAMES for cell in rows[0])
    return named and all(len(row) >= len(rows[0]) for row in rows)


def is_table(head: str) -> bool:
    """Whether a text without a name that says so is a table: many rows of as many fields, and one of them text."""
    first = head.partition("\n")[0]
    if not any(separator in first for separator in SEPARATORS) or head.count("\n") < MIN_ROWS:
        return False
    form = find_form(head)
    rows = _beginning(form, head)[:MIN_ROWS]
    if _evenness(form, head) < 1 or len(rows[0]) < (2 if form.separator == "\t" else 3):
        return False
    names, has_header = _names(rows)
    beginning = [dict(zip(names, row, strict=False)) for row in rows[has_header:]]
    return (has_header or form.separator == "\t") and choose_columns(beginning) is not None


def read_csv(file: InputFile) -> Iterator[Passage]:
    """Read a document from each row. Raises Unreadable where no column holds text, or the table breaks off."""
    csv.field_size_limit(MAX_LINE)
    form = find_form(file.head(SAMPLE_CHARACTERS))
    with file.open_text() as stream:
        rows = (row for row in form.rows(_bounded(stream)) if row)
        try:
            sample = list(islice(rows, SAMPLE_ROWS))
            names, has_header = _names(sample)
            beginning = [dict(zip(names, row, strict=False)) for row in sample[has_header:]]
            columns = chosen_columns(beginning, file)
            del beginning
            yield from _passages(sample[has_header:], rows, names, columns, form)
        except csv.Error as error:
            raise Unreadable(f"a table that breaks off: {error}") from None


def _bounded(stream: IO[str]) -> Iterator[str]:
    for number in range(1, 2**62):
        line = stream.readline(MAX_LINE)
        if len(line) == MAX_LINE:
            raise Unreadable(f"a table whose line {number:,} is longer than {MAX_LINE // 10**6} million characters")
        if not line:
            return
        yield line


def _names(rows: Sequence[Cells]) -> tuple[list[str], bool]:
    """The names of the columns, and whether the first row holds them."""
    if not rows:
        return [], False
    first, width = [cell.strip().lstrip("\ufeff") for cell in rows[0]], max(map(len, rows))
    if not _is_header(first, rows[1:]):
        return [f"column {number}" for number in range(1, width + 1)], False
    return [cell or f"column {number}" for number, cell in enumerate(first, 1)], True


def _is_header(first: Cells, others: Sequence[Cells]) -> bool:
    """Whether a row names columns: short different words, beside which some column holds what is of another kind."""
    named = [cell for cell in first if cell]
    if not named or len(set(named)) < len(named) or any(is_code(cell) or len(cell) > MAX_HEADER for cell in named):
        return False
    if any(cell.lower() in KNOWN_NAMES for cell in named):
        return True
    columns = [[row[place] for row in others if len(row) > place and row[place]] for place in range(len(first))]
    return any(
        cells and (_share(cells, is_code) > 0.5 or (_share(cells, is_prose) > 0.5 and not is_prose(name)))
        for name, cells in zip(first, columns, strict=True)
    )


def _share(cells: Cells, holds: Callable[[str], bool]) -> float:
    return sum(map(holds, cells)) / len(cells)


def _passages(
    sample: Sequence[Cells], rows: Iterator[Cells], names: list[str], columns: Columns, form: TableForm
) -> Iterator[Passage]:
    text_is_last = columns.text[-1] == names[-1]
    for number, cells in enumerate(_chained(sample, rows), 1):
        if len(cells) > len(names):
            if not text_is_last:
                yield Passage(None, number=number)
                continue
            last = form.separator.join(cells[len(names) - 1 :])  # a separator within the text
            cells = [*cells[: len(names) - 1], last]
        row = dict(zip(names, cells, strict=False))
        yield Passage(row_text(row, columns), row_title(row, columns), number, licence=row_licence(row))


def _chained(sample: Sequence[Cells], rows: Iterator[Cells]) -> Iterator[Cells]:
    yield from sample
    yield from rows
