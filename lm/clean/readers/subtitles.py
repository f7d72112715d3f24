"""Subtitles, SubRip and WebVTT: what is said, without numbers, times and styles."""

import html
import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts

_TIMES = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}")
_MARKUP = re.compile(r"</?(?:[a-z]{1,4}|font|ruby|lang)(?:[ .][^<>]*)?>|<[\d:.]+>|\{\\[^{}]*\}", re.I)
_VOICE = re.compile(r"<v(?:\.[^ >]*)? ([^>]+)>", re.I)
_NOT_SAID = ("WEBVTT", "NOTE", "STYLE", "REGION")
LOOKED_AT_LINES = 60


def is_subtitles(head: str) -> bool:
    """Whether a text begins as subtitles do: by name, or with a number or nothing before the first times."""
    if head.startswith("WEBVTT"):
        return True
    lines = [line for line in head[:4_000].split("\n") if line.strip()][:2]
    return len(lines) == 2 and lines[0].strip().lstrip("\ufeff").isdigit() and bool(_TIMES.match(lines[1]))


def read_subtitles(file: InputFile) -> Iterator[Passage]:
    """Read what is said, a line a subtitle's line. Raises Unreadable where nothing is."""
    file.unit, file.amount = "subtitles", 0
    yield from in_parts(_said(file))
    if not file.amount:
        raise Unreadable("subtitles without text")


def _said(file: InputFile) -> Iterator[str]:
    before = ""
    for block in _blocks(file):
        times = next((number for number, line in enumerate(block) if _TIMES.match(line)), None)
        if times is None:
            continue
        is_said = False
        for line in block[times + 1 :]:
            text = html.unescape(_MARKUP.sub("", _VOICE.sub(r"\1: ", line))).strip()
            if text and text != before:  # rolling captions say a line again
                yield text + "\n"
                before, is_said = text, True
        file.amount = (file.amount or 0) + is_said


def _blocks(file: InputFile) -> Iterator[list[str]]:
    """Lines up to an empty one, or to the number before the next times where there is none between."""
    block = list[str]()
    with file.open_text() as stream:
        for line in stream:
            if _TIMES.match(line) and any(_TIMES.match(other) for other in block):
                number = [block.pop()] if block[-1].strip().isdigit() else []
                yield block
                block = number
            if line.strip():
                block.append(line)
            elif block:
                yield block
                block = []
        if block and not block[0].startswith(_NOT_SAID):
            yield block
