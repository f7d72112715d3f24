"""Notes exported from Evernote: each note a document."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.pages import markup_text
from lm.clean.readers.zipped import consume, local_name, xml_events


def is_evernote(name: str, head: str) -> bool:
    """Whether a file is an export from Evernote."""
    return name.endswith(".enex") or "<en-export" in head[:2_000]


def read_evernote(file: InputFile) -> Iterator[Passage]:
    """Read the notes; pictures and what else is attached are left out. Raises Unreadable."""
    file.unit, file.amount, attached = "notes", 0, 0
    with file.path.open("rb") as stream:
        for event, element in xml_events(stream):
            name = local_name(element)
            if event == "end" and name == "data":  # of a picture: megabytes
                attached += 1
                consume(element)
            elif event == "end" and name == "note":
                file.amount += 1
                yield _note(element, file.amount)
                consume(element)
    file.left_out = f"{attached:,} attachment{'s' if attached > 1 else ''} left out" if attached else ""
    if not file.amount:
        raise Unreadable("an export from Evernote without notes")


def _note(element: Element, number: int) -> Passage:
    parts = {local_name(child): child.text or "" for child in element}
    text = markup_text(parts.get("content", ""))
    return Passage(text if text and text.strip() else None, parts.get("title", ""), number)
