"""JSON documents: a list of rows or messages, wherever in the document it stands; read in pieces, whatever its size."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from typing import IO, Any, NamedTuple

from lm.clean.readers.chat_exports import PLAIN, ChatExport, chatgpt_turns, lines_of, recognise_export
from lm.clean.readers.columns import SAMPLE_CHARACTERS, SAMPLE_ROWS, Columns, choose_columns
from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts
from lm.clean.readers.json_depth import DepthCheck
from lm.clean.readers.json_lines import chosen_columns, passage_of
from lm.clean.readers.prose import is_prose
from lm.clean.readers.turns import pieces_of_text, turn

MAX_LISTS = 10_000  # different places of lists in a document
CONVERSATION_LISTS = ("messages", "conversation", "conversations", "turns", "dialog", "dialogue", "chat")
ROLES = frozenset({"user", "assistant", "system", "human", "gpt", "bot", "model", "tool"})


class Outline(NamedTuple):
    """Where the list with most text stands in a document; "" where there is none; and what stands at its top."""

    list_prefix: str
    top: str  # the first event: start_array, start_map, string …
    objects: int = 0  # directly below the top
    strings: int = 0


class _Utf8:
    """Text as bytes of UTF-8, which the parser reads."""

    def __init__(self, text: IO[str]) -> None:
        self._text, self._depth = text, DepthCheck()

    def read(self, size: int = -1) -> bytes:
        """Read about so many bytes. Raises Unreadable where they nest too deeply."""
        block = self._text.read(size)
        if self._depth.is_too_deep(block):
            raise Unreadable("JSON that is nested too deeply to be a text")
        return block.encode("utf-8", "replace")


@contextmanager
def _parsing(file: InputFile) -> Iterator[_Utf8]:
    """Open a document for the parser; what it finds wrong becomes Unreadable."""
    import ijson

    with file.open_text() as text:
        try:
            yield _Utf8(text)
        except (ijson.JSONError, UnicodeError, ArithmeticError) as error:
            said = " ".join(str(error).split())[:80]
            raise Unreadable(f"no JSON, or damaged ({said}); what precedes the damage was read") from None


def read_json(file: InputFile) -> Iterator[Passage]:
    """Read the rows, texts or conversations of a document. Raises Unreadable where it holds none, or is no JSON."""
    import ijson

    file.kind = "JSON"
    outline = find_outline(file)
    with _parsing(file) as stream:
        if outline.list_prefix:
            elements = ijson.items(stream, outline.list_prefix, use_float=True, multiple_values=True)
        elif outline.top == "start_map" and (outline.objects > 1 or outline.strings > SAMPLE_ROWS // 10):
            elements = (value for _, value in ijson.kvitems(stream, "", use_float=True, multiple_values=True))
        else:
            elements = ijson.items(stream, "", use_float=True, multiple_values=True)
        yield from _elements(iter(elements), outline.list_prefix, file)


def find_outline(file: InputFile) -> Outline:
    """Find the list of a document that holds most text. Memory: a megabyte. Raises Unreadable."""
    import ijson

    with _parsing(file) as stream:
        top, characters, children = "", Counter[str](), Counter[str]()
        for prefix, event, value in ijson.parse(stream, use_float=True, multiple_values=True):
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
    largest = max(characters.values(), default=0)
    lists = [prefix for prefix, count in characters.items() if count == largest]
    return Outline(lists[0] if lists else "", top, children["map"], children["string"])


def _outer_list(prefix: str) -> str:
    """The place of the outermost list that a value stands in."""
    parts = prefix.split(".")
    return ".".join(parts[: parts.index("item") + 1]) if "item" in parts else ""


def _elements(elements: Iterator[Any], prefix: str, file: InputFile) -> Iterator[Passage]:
    sample = list(_sampled(elements))
    if not sample:
        raise Unreadable("JSON without text")
    everything = chain(sample, elements)
    list_name = prefix.split(".")[-2] if "." in prefix else ""
    if export := _conversation_of(sample, list_name):
        yield from _conversation(everything, export, file)
    elif all(isinstance(element, Mapping) and isinstance(element.get("mapping"), Mapping) for element in sample):
        yield from _chatgpt(everything, file)
    elif any(_messages_of(element) for element in sample):
        yield from _conversations(everything, file)
    elif any(isinstance(element, Mapping) for element in sample):
        yield from _rows(everything, sample, list_name, file)
    else:
        yield from _texts(everything, sample, file)


def _sampled(elements: Iterator[Any]) -> Iterator[Any]:
    characters = 0
    for element in islice(elements, SAMPLE_ROWS):
        yield element
        characters += len(str(element))
        if characters > SAMPLE_CHARACTERS:
            return


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
    messages = element.get("messages") if isinstance(element, Mapping) else None
    return messages if isinstance(messages, list) else []


def _conversation(messages: Iterable[Any], export: ChatExport, file: InputFile) -> Iterator[Passage]:
    file.kind, file.unit, file.amount = export.name, "messages", 0
    yield from in_parts(_counted(messages, export, file))


def _counted(messages: Iterable[Any], export: ChatExport, file: InputFile) -> Iterator[str]:
    service = 0
    for line in lines_of(messages, export):
        service += not line
        file.amount = (file.amount or 0) + bool(line)
        yield line
    file.left_out = f"{service:,} service line{'s' if service > 1 else ''} left out" if service else ""


def _conversations(elements: Iterable[Any], file: InputFile) -> Iterator[Passage]:
    file.kind, file.unit = "chats", "conversations"
    for number, element in enumerate(elements, 1):
        messages = _messages_of(element)
        export = recognise_export(messages) or PLAIN
        if export is not PLAIN:
            file.kind = f"{export.name}s"
        name = element.get("name") or element.get("title") if isinstance(element, Mapping) else None
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


def _rows(elements: Iterable[Any], sample: list[Any], list_name: str, file: InputFile) -> Iterator[Passage]:
    rows = [element for element in sample if isinstance(element, Mapping)]
    if not file.settings.text_columns and not choose_columns(rows) and any(map(_sentences, rows)):
        file.how, file.unit = "all sentences in it", "elements"
        for number, element in enumerate(elements, 1):
            yield Passage("\n".join(_sentences(element)) or None, number=number)
        return
    columns = chosen_columns(rows, file, strings=sample)
    file.how += f" of the list {list_name}" if list_name else ""
    others = dict[tuple[str, ...], Columns]()
    for number, element in enumerate(elements, 1):
        yield passage_of(element, number, columns, file.settings.text_columns, others)


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
