"""Outlines in OPML: the text of each item, indented below the one that it belongs to."""

from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts
from lm.clean.readers.zipped import consume, local_name, local_value, xml_events


def is_outline(name: str, head: str) -> bool:
    """Whether a file is an outline in OPML."""
    return name.endswith(".opml") or "<opml" in head[:1_000]


def read_outline(file: InputFile) -> Iterator[Passage]:
    """Read all items as one document. Raises Unreadable where there are none."""
    file.unit, file.amount = "items", 0
    yield from in_parts(_items(file))
    if not file.amount:
        raise Unreadable("an outline without text")


def _items(file: InputFile) -> Iterator[str]:
    depth = 0
    with file.path.open("rb") as stream:
        for event, element in xml_events(stream):
            if local_name(element) != "outline":
                continue
            if event == "end":
                depth -= 1
                consume(element)
                continue
            for name in ("text", "_note"):
                if text := local_value(element, name).strip():
                    file.amount = (file.amount or 0) + (name == "text")
                    yield "  " * depth + text + "\n"
            depth += 1
