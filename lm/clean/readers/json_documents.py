"""JSON documents: a list of rows or messages, wherever in the document it stands; read in pieces, whatever its size."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from typing import IO, Any, NamedTuple

from lm.clean.readers.chat_exports import PLAIN, ChatExport, chatgpt_turns, counted_lines, lines_of, recognise_export
from lm.clean.readers.columns import SAMPLE_CHARACTERS, SAMPLE_ROWS, Columns, choose_columns, flat, row_text
from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts
from lm.clean.readers.json_depth import DepthCheck
from lm.clean.readers.json_lines import chosen_columns, passage_of
from lm.clean.readers.json_numbers import OddNumbers, has_odd_numbers
from lm.clean.readers.prose import is_prose
from lm.clean.readers.turns import pieces_of_text, turn

MIN_LIST_SHARE = 0.02  # of the text of the longest list: a shorter one is not missed
MIN_DEEP_SHARE = 2  # of the text in lists, as a multiple of that in columns
MAX_ASSIGNMENT = 200  # characters
_ASSIGNMENT = re.compile(r"\ufeff?window\.YTD\.[\w.-]+\s*=\s*")
MAX_LISTS = 10_000  # different places of lists in a document
CONVERSATION_LISTS = ("messages", "conversation", "conversations", "turns", "dialog", "dialogue", "chat")
MESSAGE_LISTS = ("messages", "MessageList")  # of one conversation among many
SEGMENT_KEYS = {"start", "end", "text"}
ROLES = frozenset({"user", "assistant", "system", "human", "gpt", "bot", "model", "tool"})


class Outline(NamedTuple):
    """Where the list with most text stands in a document; "" where there is none; and what stands at its top."""

    list_prefix: str
    top: str  # the first event: start_array, start_map, string …
    objects: int = 0  # directly below the top
    strings: int = 0
    other_lists: tuple[str, ...] = ()  # with much text, that are not read

    def told_others(self) -> str:
        """Say which lists are left out."""
        names = ", ".join(self.other_lists[:5]) + (", …" if len(self.other_lists) > 5 else "")
        lists = "list" if len(self.other_lists) == 1 else "lists"
        return f"{len(self.other_lists)} other {lists} left out: {names}" if self.other_lists else ""


class Damaged(Unreadable):
    """A document that is no JSON from some place on."""


class _Utf8:
    """Text as bytes of UTF-8, which the parser reads."""

    def __init__(self, text: IO[str], odd_numbers: OddNumbers | None) -> None:
        self._text, self._depth, self._odd_numbers = text, DepthCheck(), odd_numbers

    def read(self, size: int = -1) -> bytes:
        """Read about so many bytes. Raises Unreadable where they nest too deeply."""
        block = self._block(size)
        if self._depth.is_too_deep(block):
            raise Unreadable("JSON that is nested too deeply to be a text")
        return block.encode("utf-8", "replace")

    def _block(self, size: int) -> str:
        if self._odd_numbers is None:
            return self._text.read(size)
        block = read = self._text.read(size)
        while not (replaced := self._odd_numbers.replaced(block)) and read:  # all of it waits for what follows
            block = read = self._text.read(size)
        return replaced


def assigned(name: str, head: str) -> int:
    """How many characters stand before the JSON in a script of Twitter's archive; 0 in any other file."""
    match = _ASSIGNMENT.match(head) if name.endswith(".js") else None
    return match.end() if match else 0


@contextmanager
def _parsing(file: InputFile) -> Iterator[_Utf8]:
    """Open a document for the parser; what it finds wrong becomes Unreadable."""
    import ijson

    odd_numbers = OddNumbers() if has_odd_numbers(file.path) else None
    with file.open_text() as text:
        text.read(assigned(file.name.lower(), file.head(MAX_ASSIGNMENT)))
        try:
            yield _Utf8(text, odd_numbers)
        except (ijson.JSONError, UnicodeError, ArithmeticError) as error:
            said = " ".join(str(error).split())[:80]
            raise Damaged(f"no JSON, or damaged ({said}); what precedes the damage was read") from None


def read_json(file: InputFile) -> Iterator[Passage]:
    """Read the rows, texts or conversations of a document. Raises Unreadable where it holds none, or is no JSON."""
    file.kind = "JSON"
    outline = find_outline(file)
    yield from _elements(_found(file, outline), outline.list_prefix, file)
    file.left_out = "; ".join(filter(None, (file.left_out, outline.told_others())))


def _found(file: InputFile, outline: Outline) -> Iterator[Any]:
    """The elements of the list with most text; of a document without lists its values, or all of it. Raises Damaged."""
    import ijson

    with _parsing(file) as stream:
        if outline.list_prefix:
            yield from ijson.items(stream, outline.list_prefix, use_float=True, multiple_values=True)
        elif outline.top == "start_map" and (outline.objects > 1 or outline.strings > SAMPLE_ROWS // 10):
            yield from (value for _, value in ijson.kvitems(stream, "", use_float=True, multiple_values=True))
        else:
            yield from ijson.items(stream, "", use_float=True, multiple_values=True)


def find_outline(file: InputFile) -> Outline:
    """Find the list of a document that holds most text. Memory: a megabyte. Raises Unreadable."""
    top, characters, children = "", Counter[str](), Counter[str]()
    try:
        for prefix, event, value in _events(file):
            if not top:
                top = event
                if top == "start_array":
                    return Outline("item", top)
            if event == "string":
                if outer := _outer_list(prefix):
                    characters[outer] += len(value)
                else:
                    children["string"] += "." not in prefix
            elif event == "start_map":
                children["map"] += bool(prefix) and "." not in prefix
            if len(characters) > MAX_LISTS:
                raise Unreadable("JSON of too many lists to find its text")
    except Damaged:
        if not characters:
            raise  # else what precedes the damage is read
    largest = max(characters.values(), default=0)
    lists = [prefix for prefix, count in characters.items() if count == largest]
    others = (prefix for prefix, count in characters.items() if count >= MIN_LIST_SHARE * largest)
    names = tuple(prefix.removesuffix(".item") for prefix in others if prefix != lists[0])
    return Outline(lists[0] if lists else "", top, children["map"], children["string"], names)


def _events(file: InputFile) -> Iterator[tuple[str, str, Any]]:
    import ijson

    with _parsing(file) as stream:
        yield from ijson.parse(stream, use_float=True, multiple_values=True)


def _outer_list(prefix: str) -> str:
    """The place of the outermost list that a value stands in."""
    parts = prefix.split(".")
    return ".".join(parts[: parts.index("item") + 1]) if "item" in parts else ""


def _elements(elements: Iterator[Any], prefix: str, file: InputFile) -> Iterator[Passage]:
    sample, damage = _sampled(elements)
    if not sample:
        raise damage or Unreadable("JSON without text")
    everything = chain(sample, elements, _raised(damage))
    list_name = prefix.split(".")[-2] if "." in prefix else ""
    if export := _conversation_of(sample, list_name):
        yield from _conversation(everything, export, file)
    elif all(isinstance(element, Mapping) and isinstance(element.get("mapping"), Mapping) for element in sample):
        yield from _chatgpt(everything, file)
    elif all(isinstance(element, Mapping) and element.keys() >= SEGMENT_KEYS for element in sample):
        yield from _transcript(everything, file)
    elif any(isinstance(element, Mapping) and _is_page_of_blocks(element) for element in sample):
        yield from _pages_of_blocks(everything, file)
    elif any(_messages_of(element) for element in sample):
        yield from _conversations(everything, file)
    elif any(isinstance(element, Mapping) for element in sample):
        yield from _rows(everything, sample, list_name, file)
    else:
        yield from _texts(everything, sample, file)


def _sampled(elements: Iterator[Any]) -> tuple[list[Any], Damaged | None]:
    """The first elements, and the damage that they end with."""
    sample, characters = list[Any](), 0
    try:
        for element in islice(elements, SAMPLE_ROWS):
            sample.append(element)
            characters += len(str(element))
            if characters > SAMPLE_CHARACTERS:
                break
    except Damaged as damage:
        return sample, damage
    return sample, None


def _raised(damage: Damaged | None) -> Iterator[Any]:
    """Nothing, and then the damage that was met before."""
    yield from ()
    if damage:
        raise damage


def _conversation_of(messages: list[Any], list_name: str) -> ChatExport | None:
    """In which form the elements of a list are the messages of one conversation; None where they are none."""
    if export := recognise_export(messages):
        return export
    turns = [turn(message) for message in messages]
    if not all(turns):
        return None
    return PLAIN if list_name in CONVERSATION_LISTS or {found[0] for found in turns if found} <= ROLES else None


def _messages_of(element: Any) -> list[Any]:
    """The messages of an element that is a conversation of its own, as in an export of all chats."""
    lists = [element.get(key) for key in MESSAGE_LISTS] if isinstance(element, Mapping) else []
    return next((messages for messages in lists if isinstance(messages, list)), [])


def _conversation(messages: Iterable[Any], export: ChatExport, file: InputFile) -> Iterator[Passage]:
    file.kind, file.unit, file.amount = export.name, "messages", 0
    yield from in_parts(counted_lines(messages, export, file))


def _conversations(elements: Iterable[Any], file: InputFile) -> Iterator[Passage]:
    file.kind, file.unit = "chats", "conversations"
    for number, element in enumerate(elements, 1):
        messages = _messages_of(element)
        export = recognise_export(messages) or PLAIN
        if export is not PLAIN:
            file.kind = f"{export.name}s"
        names = [element.get(key) for key in ("name", "title", "displayName")] if isinstance(element, Mapping) else []
        name = next(filter(None, names), None)
        text = "".join(lines_of(messages, export)).rstrip("\n")
        if text or not messages:
            yield Passage(text or None, name if isinstance(name, str) else "", number)


def _chatgpt(elements: Iterable[Any], file: InputFile) -> Iterator[Passage]:
    file.kind, file.unit = "ChatGPT export", "conversations"
    for number, element in enumerate(elements, 1):
        turns = chatgpt_turns(element) if isinstance(element, Mapping) and "mapping" in element else []
        text = "".join(f"{said.speaker}: {said.text}\n" for said in turns)
        title = element.get("title") if isinstance(element, Mapping) else ""
        yield Passage(text or None, title if isinstance(title, str) else "", number)


def _is_page_of_blocks(element: Mapping[str, Any]) -> bool:
    children = element.get("children")
    first = children[0] if isinstance(children, list) and children else None
    return "title" in element and isinstance(first, Mapping) and "string" in first


def _pages_of_blocks(elements: Iterable[Any], file: InputFile) -> Iterator[Passage]:
    """Pages of Roam Research: blocks in blocks, each a line, indented below the one that it belongs to."""
    file.kind, file.unit = "Roam notes", "pages"
    for number, element in enumerate(elements, 1):
        text = "".join(_block_lines(element, 0)) if isinstance(element, Mapping) else ""
        title = element.get("title") if isinstance(element, Mapping) else ""
        yield Passage(text or None, title if isinstance(title, str) else "", number)


def _block_lines(block: Mapping[str, Any], depth: int) -> Iterator[str]:
    for child in block.get("children") or ():
        if isinstance(child, Mapping):
            if isinstance(text := child.get("string"), str) and text.strip():
                yield f"{'  ' * depth}- {text}\n"
            yield from _block_lines(child, depth + 1)


def _transcript(segments: Iterable[Any], file: InputFile) -> Iterator[Passage]:
    """What a program heard, in stretches with their times: one document."""
    file.kind, file.unit, file.amount = "transcript", "segments", 0
    yield from in_parts(_heard(segments, file))


def _heard(segments: Iterable[Any], file: InputFile) -> Iterator[str]:
    for segment in segments:
        text = "".join(pieces_of_text(segment)).strip()
        file.amount = (file.amount or 0) + bool(text)
        yield f"{text}\n" if text else ""


def _rows(elements: Iterable[Any], sample: list[Any], list_name: str, file: InputFile) -> Iterator[Passage]:
    rows = [element for element in sample if isinstance(element, Mapping)]
    if not file.settings.text_columns and (common := _common_if_deep(rows)) is not None:
        file.how, file.unit = "all sentences in it", "elements"
        for number, element in enumerate(elements, 1):
            kept = [sentence for sentence in _sentences(element) if sentence not in common]
            yield Passage("\n".join(kept) or None, number=number)
        return
    columns = chosen_columns(rows, file, strings=sample)
    file.how += f" of the list {list_name}" if list_name else ""
    others = dict[tuple[str, ...], Columns]()
    is_escaped = bool(assigned(file.name.lower(), file.head(MAX_ASSIGNMENT)))
    for number, element in enumerate(elements, 1):
        passage = passage_of(element, number, columns, file.settings.text_columns, others)
        yield _unescaped(passage) if is_escaped else passage


def _common_if_deep(rows: list[Any]) -> set[str] | None:
    """The sentences that most rows share, where their text stands in lists rather than in columns; else None."""
    columns = choose_columns(rows)
    found = [set(_sentences(row)) for row in rows]
    counts = Counter(sentence for sentences in found for sentence in sentences)
    common = {sentence for sentence, count in counts.items() if len(rows) > 2 and count > len(rows) / 2}
    if columns is None:
        return common if any(found) else None
    in_columns = sum(len(row_text(row, columns._replace(has_markup=False)) or "") for row in rows)
    lists = [
        value
        for row in rows
        for name, value in flat(row).items()
        if isinstance(value, list) and name not in columns.text
    ]
    in_lists = sum(len(sentence) for value in lists for sentence in _sentences(value) if sentence not in common)
    return common if in_lists > MIN_DEEP_SHARE * in_columns else None


def _unescaped(passage: Passage) -> Passage:
    return passage._replace(text=html.unescape(passage.text)) if passage.text else passage


def _sentences(value: Any) -> list[str]:
    """All prose in a value, however deeply it stands."""
    if isinstance(value, str):
        return [value] if is_prose(value) else []
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [sentence for each in inner for sentence in _sentences(each)]


def _texts(elements: Iterable[Any], sample: list[Any], file: InputFile) -> Iterator[Passage]:
    if not any(is_prose(piece) for element in sample for piece in pieces_of_text(element)):
        strings = [element for element in sample if isinstance(element, str)]
        if len(strings) < len(sample) or not strings:
            raise Unreadable("JSON without text")
    file.how, file.unit = "a list of texts", "texts"
    for number, element in enumerate(elements, 1):
        pieces = pieces_of_text(element)
        yield Passage("\n".join(pieces) if pieces else None, number=number)
