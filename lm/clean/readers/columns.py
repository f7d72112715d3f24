"""Which columns of a table carry the text, found by what is in them, and the text of a row."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lm.clean.readers.pages import markup_text
from lm.clean.readers.prose import is_code, is_prose, lower_case_share
from lm.clean.readers.turns import joined_turns, pieces_of_text
from lm.text.licences import tidy

SAMPLE_ROWS, SAMPLE_CHARACTERS = 500, 2**22
MAX_JUDGED_VALUES = 100  # of a column, spread over the sample
TEXT_COLUMNS = ("text", "content", "body", "article", "story", "passage", "document")
CONVERSATION_COLUMNS = ("messages", "conversations", "conversation", "turns", "dialog", "dialogue", "chat")
# Rows of instructions: one of the first and one of the last make such a row, and all of them are its text.
PROMPTS = ("instruction", "prompt", "question", "query", "input", "problem")
ANSWERS = ("output", "response", "completion", "answer", "answers", "solution", "chosen", "target")
INSTRUCTIONS = (*PROMPTS, *ANSWERS, "system", "system_prompt", "context")
LICENCE_COLUMNS = ("license", "licence")
TITLE_COLUMNS = ("title", "document", "name", "id", "url")
HEADINGS = ("title", "name", "headline", "subject", "heading", "author", "artist", "song", "track", "album",
            "singer", "writer", "poet", "speaker", "sender", "from", "user", "username", "user_name", "url", "address",
            "source", "category", "location", "place", "tags", "genre", "titel", "autor", "titre", "auteur",
            "titulo", "título")  # fmt: skip
MAX_TITLE = 200  # characters
MAX_DEPTH = 4  # of objects in a row whose values are columns of their own: `translation.de`
MIN_PROSE_SHARE = 0.3  # of a column's values
MIN_LENGTH_SHARE = 0.2  # of the longest column's mean length: a shorter column says something about the text
MIN_NAMED_SHARE = 0.3  # the same, of a column that is called text
MIN_LOWER_SHARE = 0.35
MAX_LABEL_SHARE, MIN_LABELLED_ROWS = 0.2, 20  # different values, of a column of labels
MIN_MARKUP_SHARE = 0.3  # of values with tags in a sentence, that are then a piece of a page: no source code
_MARKUP = re.compile(r"<br\s*/?>|</(?:p|i|b|em|strong|a|li)>", re.I)
_PAGE_START = re.compile(r"\s*<(?:!|html|head|\?)", re.I)
MIN_LONG = 40  # characters of a value that is text though it has no sentences, such as code or a chess game

Row = Mapping[str, Any]


class Columns(NamedTuple):
    """The columns whose values, in order, are the text of a row, and those that are not."""

    text: tuple[str, ...]
    others: tuple[str, ...] = ()
    has_markup: bool = False  # HTML, as in reviews of a web site
    missing: tuple[str, ...] = ()  # that were asked for, and are not there

    def how(self) -> str:
        """Name the columns of text, for a report."""
        markup = " without its HTML" if self.has_markup else ""
        return f"column{'s' if len(self.text) > 1 else ''} {', '.join(self.text)}{markup}"

    def left_out(self) -> str:
        """Name the others."""
        if not self.others:
            return ""
        names = ", ".join(self.others[:10]) + (", …" if len(self.others) > 10 else "")
        return f"{len(self.others)} column{'s' if len(self.others) > 1 else ''} left out: {names}"


def flat(row: Row, depth: int = 0) -> dict[str, Any]:
    """The row with a column for each value of an object in it."""
    columns = dict[str, Any]()
    for name, value in row.items():
        if isinstance(value, dict) and depth < MAX_DEPTH:
            columns.update({f"{name}.{inner}": each for inner, each in flat(value, depth + 1).items()})
        else:
            columns[str(name)] = value
    return columns


@dataclass(slots=True)
class _Column:
    """What a sample of the values of a column is like."""

    name: str
    values: list[str]  # that hold anything
    rows: int
    are_turns: bool
    are_strings: bool

    @property
    def plain_name(self) -> str:
        return self.name.rpartition(".")[2].strip().lower()

    @property
    def length(self) -> float:
        """Mean characters of a row's value: a column that few rows have is short."""
        return sum(map(len, self.values)) / self.rows

    def share(self, holds: Callable[[str], bool]) -> float:
        judged = self.judged()
        return sum(map(holds, judged)) / max(len(judged), 1)

    def judged(self) -> list[str]:
        return self.values[:: len(self.values) // MAX_JUDGED_VALUES + 1]

    @property
    def has_labels(self) -> bool:
        few = len(set(self.values)) <= MAX_LABEL_SHARE * len(self.values)
        return len(self.values) >= MIN_LABELLED_ROWS and few

    @property
    def is_constant(self) -> bool:
        return len(self.values) > 1 and len(set(self.values)) == 1

    @property
    def has_markup(self) -> bool:
        return (
            self.share(lambda value: bool(_MARKUP.search(value)) and not _PAGE_START.match(value)) >= MIN_MARKUP_SHARE
        )

    @property
    def has_names(self) -> bool:
        shares = [lower_case_share(value) for value in self.judged()]
        return self.plain_name in HEADINGS or sum(shares) < MIN_LOWER_SHARE * len(shares)


def choose_columns(rows: Sequence[Row], asked: Sequence[str] = ()) -> Columns | None:
    """Find the columns of text in a sample of rows, or those that were asked for; None where there is none."""
    columns, missing = list(_columns([flat(row) for row in rows])), tuple[str, ...]()
    names = [column.name for column in columns]
    if asked:
        lowered = {name.lower(): name for name in reversed(names)}
        chosen = [lowered[name.lower()] for name in asked if name.lower() in lowered]
        missing = tuple(name for name in asked if name.lower() not in lowered)
    else:
        found = _choose([column for column in columns if column.values])
        empty = [column for column in columns if column.plain_name in TEXT_COLUMNS and column.are_strings]
        chosen = [column.name for column in found or empty[:1]]
    if not chosen:
        return None
    has_markup = any(column.has_markup for column in columns if column.name in chosen)
    return Columns(tuple(chosen), tuple(name for name in names if name not in chosen), has_markup, missing)


def column_names(rows: Sequence[Row]) -> list[str]:
    """The names of all columns of a sample, in order."""
    return list(dict.fromkeys(name for row in rows for name in flat(row)))


def _columns(rows: Sequence[Row]) -> Iterator[_Column]:
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if row.get(name) is not None]
        texts = [text for value in values if (text := value_text(value)) and text.strip()]
        are_turns = any(joined_turns(value) for value in values[:10])
        yield _Column(name, texts, len(rows), are_turns, any(isinstance(value, str) for value in values))


def _choose(columns: list[_Column]) -> list[_Column]:
    turns = [column for column in columns if column.are_turns]
    if named := [column for column in turns if column.plain_name in CONVERSATION_COLUMNS]:
        return named[:1]
    if len(columns) == 1 and columns[0].plain_name in TEXT_COLUMNS:
        return columns
    found = {column.plain_name for column in columns}
    whole = [column for column in columns if column.plain_name in TEXT_COLUMNS]
    if found.intersection(PROMPTS) and found.intersection(ANSWERS):
        chosen = [column for column in columns if column.plain_name in INSTRUCTIONS]
        total = sum(column.length for column in chosen)
        return next(([column] for column in whole if column.length > 0.8 * total), chosen)
    plain = [column for column in columns if not column.are_turns]
    candidates = [column for column in plain if column.share(is_prose) >= MIN_PROSE_SHARE]
    for is_other in ("has_names", "has_labels"):
        candidates = [column for column in candidates if not getattr(column, is_other)] or candidates
    if not candidates:
        return turns[:1] or _choose_without_prose(columns)
    longest = max(column.length for column in candidates)
    for name in TEXT_COLUMNS:
        for column in candidates:
            if column.plain_name == name and column.length >= MIN_NAMED_SHARE * longest:
                return [column]
    return [column for column in candidates if column.length >= MIN_LENGTH_SHARE * longest]


def _choose_without_prose(columns: list[_Column]) -> list[_Column]:
    """The column called text; the only one that holds no codes; or one of long values, such as DNA or moves."""
    for name in TEXT_COLUMNS:
        if named := [column for column in columns if column.plain_name == name]:
            return named[:1]
    words = [column for column in columns if column.share(is_code) < 0.5 and not column.is_constant]
    if len(words) == 1:
        return words
    long = [column for column in columns if column.length >= MIN_LONG and not column.share(is_address) > 0.5]
    return [max(long, key=lambda column: column.length)] if long else []


def is_address(value: str) -> bool:
    """Whether a value is the address of something on the web."""
    return value.lstrip().lower().startswith(("http://", "https://", "www."))


def value_text(value: Any) -> str | None:
    """The text of a value: a string, turns of a conversation, or a list of strings; None where it is none of these."""
    if isinstance(value, str):
        return value
    if turns := joined_turns(value):
        return turns
    if isinstance(value, list) and (pieces := pieces_of_text(value)):
        return "\n".join(pieces)
    return None


def row_text(row: Row, columns: Columns) -> str | None:
    """The text of a row, its columns apart by an empty line; None where none of them holds text."""
    if columns.has_markup:
        marked = row_text(row, columns._replace(has_markup=False))
        return markup_text(marked) if marked and _MARKUP.search(marked) else marked
    if len(columns.text) == 1 and isinstance(text := row.get(columns.text[0]), str):
        return text  # nearly all rows are so
    values = flat(row) if any("." in name for name in columns.text) else row
    texts = [text for name in columns.text if (text := value_text(values.get(name))) is not None]
    return "\n\n".join(filter(str.strip, texts)) if texts else None


def has_columns(row: Row, columns: Columns) -> bool:
    """Whether a row has any of the columns of text, be it empty."""
    return any(name.partition(".")[0] in row for name in columns.text)


def row_title(row: Row, columns: Columns) -> str:
    """What a row is called, "" where nothing says it."""
    titles = (row[name] for name in TITLE_COLUMNS if name in row and name not in columns.text)
    return next((title for title in titles if isinstance(title, str) and title), "")[:MAX_TITLE]


def row_licence(row: Row) -> str:
    """The licence that a row states."""
    return next((found for name in LICENCE_COLUMNS if name in row and (found := tidy(row[name]))), "")
