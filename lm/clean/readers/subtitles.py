"""Subtitles and lyrics, SubRip, WebVTT, SubStation Alpha, MicroDVD, LRC: what is said, without times and styles."""

import html
import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable, in_parts

_TIMES = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}")
_MARKUP = re.compile(r"</?(?:[a-z]{1,4}|font|ruby|lang)(?:[ .][^<>]*)?>|<[\d:.]+>|\{\\[^{}]*\}", re.I)
_VOICE = re.compile(r"<v(?:\.[^ >]*)? ([^>]+)>", re.I)
_SBV_TIMES = re.compile(r"\s*\d+:\d{2}:\d{2}\.\d{3},\d+:\d{2}:\d{2}\.\d{3}\s*$")
_SSA_LINE = re.compile(r"Dialogue:\s*(.*)")
_SSA_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
_FRAMES = re.compile(r"\{\d+\}\{\d*\}(.*)")  # MicroDVD
_FRAMES_STYLE = re.compile(r"\{[a-zA-Z]:[^{}]*\}")
_LRC_TIMES = re.compile(r"(?:\[\d{1,3}:\d{2}(?:[.:]\d{1,3})?\])+")
_LRC_START = re.compile(r"\[\d{1,3}:\d{2}\.\d{2,3}\]")  # with its fraction, which times of chats lack
_LRC_WORD_TIME = re.compile(r"<\d{1,3}:\d{2}(?:[.:]\d{1,3})?>")
_LRC_TAG = re.compile(r"\[[a-zA-Z#]{1,10}:[^\]]*\]\s*$")
MIN_TIMED_SHARE = 0.6  # of lines
_NOT_SAID = ("WEBVTT", "NOTE", "STYLE", "REGION")
LOOKED_AT_LINES = 60


def is_subtitles(head: str) -> bool:
    """Whether a text begins as subtitles do: by name, or with a number or nothing before the first times."""
    if head.startswith("WEBVTT"):
        return True
    lines = [line for line in head[:4_000].split("\n") if line.strip()][:2]
    return len(lines) == 2 and lines[0].strip().lstrip("\ufeff").isdigit() and bool(_TIMES.match(lines[1]))


def is_timed_lines(head: str) -> bool:
    """Whether each line of a text has its time: lyrics, and subtitles of MicroDVD, SubStation Alpha or YouTube."""
    if head.lstrip("\ufeff").startswith("[Script Info]"):
        return True
    lines = [line for line in head[:20_000].split("\n")[:-1] if line.strip() and not _LRC_TAG.match(line)]
    lines = lines[:LOOKED_AT_LINES]
    if lines and _SBV_TIMES.match(lines[0]):
        return True
    timed = sum(bool(_LRC_START.match(line) or _FRAMES.match(line)) for line in lines)
    return timed > 2 and timed >= MIN_TIMED_SHARE * len(lines)


def read_timed_lines(file: InputFile) -> Iterator[Passage]:
    """Read what is said or sung, a line a line. Raises Unreadable where nothing is."""
    file.unit, file.amount = "lines", 0
    file.kind = "lyrics" if file.name.lower().endswith(".lrc") else "subtitles"
    yield from in_parts(_timed_lines(file))
    if not file.amount:
        raise Unreadable("subtitles without text")


def _timed_lines(file: InputFile) -> Iterator[str]:
    is_ssa = file.head(1_000).lstrip("\ufeff").startswith("[Script Info]")
    fields = 9  # before the text, in a SubStation's line
    with file.open_text() as stream:
        for line in stream:
            if is_ssa:
                if line.startswith("Format:"):
                    fields = line.count(",")
                text = _ssa_text(line, fields)
            else:
                text = "" if _LRC_TAG.match(line) or _SBV_TIMES.match(line) else _plain_line(line)
            if text:
                file.amount = (file.amount or 0) + 1
            if text or not (is_ssa or line.strip()):
                yield text + "\n"


def _ssa_text(line: str, fields: int) -> str:
    if not (found := _SSA_LINE.match(line)) or _SSA_DRAWING.search(line):
        return ""
    text = found[1].split(",", fields)[-1]
    return _MARKUP.sub("", re.sub(r"\\[Nn]", "\n", text).replace("\\h", " ")).strip()


def _plain_line(line: str) -> str:
    if frames := _FRAMES.match(line):
        return _FRAMES_STYLE.sub("", frames[1]).replace("|", "\n").strip()
    return _LRC_WORD_TIME.sub("", _LRC_TIMES.sub("", line)).strip()


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
