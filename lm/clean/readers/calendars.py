"""Calendars (iCalendar): what was written of each event."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable

_PROPERTY = re.compile(r"(SUMMARY|DESCRIPTION)(?:;[^:]*)?:(.*)", re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)
MAX_LINE = 2**20  # characters


def is_calendar(head: str) -> bool:
    """Whether a text is a calendar."""
    return head.lstrip("\ufeff").startswith("BEGIN:VCALENDAR")


def is_contacts(head: str) -> bool:
    """Whether a text is a list of contacts."""
    return head.lstrip("\ufeff").startswith("BEGIN:VCARD")


def read_calendar(file: InputFile) -> Iterator[Passage]:
    """Read the title and description of each event. Raises Unreadable where none has any."""
    file.unit, file.amount, file.left_out = "events", 0, "times, places and addresses left out"
    event = dict[str, str]()
    for line in _unfolded(file):
        if line == "BEGIN:VEVENT":
            event = {}
        elif line == "END:VEVENT" and event:
            file.amount += 1
            text = "\n".join(filter(None, (event.get("SUMMARY", "").strip(), event.get("DESCRIPTION", "").strip())))
            yield Passage(text or None, number=file.amount)
        elif found := _PROPERTY.fullmatch(line):
            event.setdefault(found[1], _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], found[2]))
    if not file.amount:
        raise Unreadable("a calendar without text")


def _unfolded(file: InputFile) -> Iterator[str]:
    """The lines of a calendar: one that begins with a space goes on with the one before."""
    waiting = ""
    with file.open_text() as stream:
        while line := stream.readline(MAX_LINE):
            line = line.rstrip("\n")
            if line.startswith((" ", "\t")) and len(waiting) < MAX_LINE:
                waiting += line[1:]
                continue
            yield waiting
            waiting = line
        yield waiting
