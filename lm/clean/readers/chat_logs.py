"""Chats kept as lines of text, each message behind its time and speaker: WhatsApp, Signal, IRC and the like."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, in_parts

HEAD_CHARACTERS, LOOKED_AT_LINES = 20_000, 60
MIN_MESSAGES, MIN_MESSAGE_SHARE = 3, 0.3  # of these lines
MAX_SPEAKER = 80  # characters
# Of direction: WhatsApp sets them before what it says itself.
MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
# `[31.12.20, 23:59:58] Ann: Hello`, `12/31/20, 11:59 PM - Ann: Hello`, `2020-12-31 23:59 - Ann: Hello`
_TIME = (
    rf"[{MARKS}]*\[?\d{{1,4}}[./\-年]\s?\d{{1,2}}[./\-月]\s?\d{{1,4}}[.日]?,?\s+(?:um |at |kl\.? |à |alle )?"
    r"[^\W\d]{0,3}\s?\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[^\W\d]{1,2}\.?\s?[^\W\d]{0,2}\.?)?\s?(?:\]|\s[-\u2013\u2014])\s"
)
_ENTRY = re.compile(rf"{_TIME}(.*)", re.S)
_MESSAGE = re.compile(rf"([^:\n]{{1,{MAX_SPEAKER}}}?):\s(.*)", re.S)
_IRC_TIME = re.compile(r"\[?(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d{2}(?::\d{2})?\]?\s+(.*)", re.S)  # `[10:30] <ann> Hello`
_IRC_SPEAKER = re.compile(r"<[ @+%~&]?([^<>\s]{1,40})>\s")
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
    lines = _first_lines(head)
    if _is_irc(lines):
        return True
    if not any(_ENTRY.match(line) for line in lines[:3]):
        return False
    messages = sum(bool((entry := _ENTRY.match(line)) and _MESSAGE.match(entry[1])) for line in lines)
    return messages >= min(MIN_MESSAGES, len(lines)) and messages >= MIN_MESSAGE_SHARE * len(lines)


def _first_lines(head: str) -> list[str]:
    return [line for line in head[:HEAD_CHARACTERS].split("\n") if line.strip()][:LOOKED_AT_LINES]


def _is_irc(lines: list[str]) -> bool:
    said = sum(bool((entry := _IRC_TIME.match(line)) and _IRC_SPEAKER.match(entry[1])) for line in lines)
    return len(lines) >= MIN_MESSAGES and said > 0.5 * len(lines)


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
    is_irc = _is_irc(_first_lines(file.head(HEAD_CHARACTERS)))
    time, waiting = _IRC_TIME if is_irc else _ENTRY, list[str]()
    with file.open_text() as stream:
        for line in stream:
            entry = time.match(line)
            if entry and waiting:
                yield "".join(waiting)
                waiting.clear()
            if entry or waiting:
                waiting.append(line if not entry else _irc_entry(entry[1]) if is_irc else entry[1])
        if waiting:
            yield "".join(waiting)


def _irc_entry(entry: str) -> str:
    """What was said, behind its speaker and a colon; "" for what the service itself says."""
    speaker = _IRC_SPEAKER.match(entry)
    return f"{speaker[1]}: {entry[speaker.end() :]}" if speaker else ""


def _message(entry: str) -> str | None:
    found = _MESSAGE.match(entry.lstrip(MARKS))
    if not found or _QUOTED.search(found[1]):
        return None
    speaker, said = found[1].strip(MARKS + " ~"), _EDITED.sub("", found[2]).rstrip()
    if not said or said[0] in MARKS or _NO_MESSAGE.fullmatch(said):
        return None
    return f"{speaker}: {said}\n"
