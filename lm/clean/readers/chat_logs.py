"""Chats exported as lines of text, each message behind its time and speaker: WhatsApp, Signal and the like."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, in_parts

LOOKED_AT_LINES = 60
MIN_MESSAGES, MIN_MESSAGE_SHARE = 3, 0.3  # of these lines
MAX_SPEAKER = 80  # characters
MARKS = "\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"  # of direction, that WhatsApp sets before what it says itself
# `[31.12.20, 23:59:58] Ann: Hello`, `12/31/20, 11:59 PM - Ann: Hello`, `2020-12-31 23:59 - Ann: Hello`
_TIME = (
    rf"[{MARKS}]*\[?\d{{1,4}}[./\-年]\s?\d{{1,2}}[./\-月]\s?\d{{1,4}}[.日]?,?\s+(?:um |at |kl\.? |à |alle )?"
    r"[^\W\d]{0,3}\s?\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[^\W\d]{1,2}\.?\s?[^\W\d]{0,2}\.?)?\s?(?:\]|\s[-\u2013\u2014])\s"
)
_ENTRY = re.compile(rf"{_TIME}(.*)", re.S)
_MESSAGE = re.compile(rf"([^:\n]{{1,{MAX_SPEAKER}}}?):\s(.*)", re.S)
_QUOTED = re.compile('["“”«»„]')
# What stands for a picture, a call or a message that is gone.
_NO_MESSAGE = re.compile(
    r"<[^<>]{3,60}>|.{0,80}\((?:file attached|Datei angehängt|archivo adjunto|fichier joint|file allegato)\)"
    r"|(?:this message was deleted|you deleted this message|null|missed (?:voice|video) call)\.?"
    r"|(?:image|video|audio|sticker|gif|document|contact card) omitted",
    re.I | re.S,
)
_EDITED = re.compile(r"\s*<(?:this message was edited|diese nachricht wurde bearbeitet)>\s*$", re.I)


def is_chat_log(head: str) -> bool:
    """Whether a text begins as such a chat does."""
    lines = [line for line in head[:20_000].split("\n") if line.strip()][:LOOKED_AT_LINES]
    if not lines or not any(_ENTRY.match(line) for line in lines[:3]):
        return False
    messages = sum(bool((entry := _ENTRY.match(line)) and _MESSAGE.match(entry[1])) for line in lines)
    return messages >= min(MIN_MESSAGES, len(lines)) and messages >= MIN_MESSAGE_SHARE * len(lines)


def read_chat_log(file: InputFile) -> Iterator[Passage]:
    """Read the messages as one document of lines `speaker: text`, without times and service lines."""
    file.kind, file.unit, file.amount = "chat", "messages", 0
    yield from in_parts(_messages(file))


def _messages(file: InputFile) -> Iterator[str]:
    left_out = 0
    for entry in _entries(file):
        if message := _message(entry):
            file.amount = (file.amount or 0) + 1
            yield message
        else:
            left_out += 1
    if left_out:
        file.left_out = f"{left_out:,} service line{'s' if left_out > 1 else ''} left out"


def _entries(file: InputFile) -> Iterator[str]:
    """What stands behind each time; lines without one go on with the message before."""
    waiting = ""
    with file.open_text() as stream:
        for line in stream:
            if entry := _ENTRY.match(line):
                if waiting:
                    yield waiting
                waiting = entry[1]
            elif waiting:
                waiting += line
        if waiting:
            yield waiting


def _message(entry: str) -> str | None:
    found = _MESSAGE.match(entry.lstrip(MARKS_ALONE))
    if not found or _QUOTED.search(found[1]):
        return None
    speaker, said = found[1].strip(MARKS_ALONE + " ~"), _EDITED.sub("", found[2]).rstrip()
    if not said or said[0] in MARKS_ALONE or _NO_MESSAGE.fullmatch(said):
        return None
    return f"{speaker}: {said}\n"


MARKS_ALONE = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
