"""Chats as programs save them, each in lines of its own: LINE, KakaoTalk, iMessage, QQ, WeeChat, Zoom."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from lm.clean.readers.input_file import InputFile, Passage, in_parts

HEAD_CHARACTERS, LOOKED_AT_LINES = 20_000, 60
MIN_MESSAGES, MIN_MESSAGE_SHARE = 3, 0.24  # of lines with something in them: a message may have three and more
_CLOCK = r"(?:[^\W\d]{2}\s?)?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?"
_NOTHING = re.compile("(?!)")


class ChatForm(NamedTuple):
    """How one program writes a message: the line that begins it, and lines that nobody said."""

    name: str
    begins: re.Pattern[str]  # groups: who, and what unless it follows on lines of its own
    service: re.Pattern[str] = _NOTHING  # ends the message before it
    no_message: re.Pattern[str] = _NOTHING  # what stands for a picture or a message that is gone
    speaker_below: bool = False  # the next line says who


FORMS = (
    ChatForm(
        "LINE chat",
        re.compile(rf"{_CLOCK}\t([^\t\n]{{1,80}})\t(.*)", re.S),
        re.compile(rf"\d{{4}}[/.-]\d{{1,2}}[/.-]\d{{1,2}}\s?\(.{{1,4}}\)\s*$"
                   rf"|[A-Z][a-z]{{2}}, \d\d/\d\d/\d{{4}}\s*$|{_CLOCK}\t[^\t]*$"),
        re.compile(r"\[[^\[\]\n]{1,20}\]|☎.*|.{0,40}(?:unsent a message|メッセージの送信を取り消しました)\.?"),
    ),
    ChatForm(
        "KakaoTalk chat",
        re.compile(rf"\[([^\[\]\n]{{1,40}})\] \[{_CLOCK}\] (.*)", re.S),
        re.compile(r"-{5,} .* -{5,}\s*$|.{1,60}님[이을를] .{1,40}습니다\.\s*$"),
        re.compile(r"사진(?: \d+장)?|동영상|이모티콘|파일: .*|삭제된 메시지입니다\.|Photo|Video|Emoticons"),
    ),
    ChatForm(
        "KakaoTalk chat",
        re.compile(r"\d{4}년 \d{1,2}월 \d{1,2}일 (?:오전|오후) \d{1,2}:\d{2}, ([^:\n]{1,40}) : (.*)", re.S),
        re.compile(r"\d{4}년 \d{1,2}월 \d{1,2}일 (?:오전|오후) \d{1,2}:\d{2}"),
        re.compile(r"사진(?: \d+장)?|동영상|이모티콘|파일: .*|삭제된 메시지입니다\."),
    ),
    ChatForm(
        "iMessage chat",
        re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4}\s+\d{1,2}:\d{2}:\d{2} [AP]M(?: \(.*\))?\s*$"),
        re.compile(r"Tapbacks:\s*$|.{1,80} (?:named the conversation|added|removed|left the conversation)"),
        re.compile(r"(?:/|~/|attachments/)\S.*\.\w{2,5}|Attachment missing!|This message was .*"),
        speaker_below=True,
    ),
    ChatForm(
        "QQ chat",
        re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d:\d\d ([^:\n]{1,60}?)(?:\(\d{4,12}\)|<[^<>\s]+@[^<>\s]+>)\s*$"),
        re.compile(r"={10,}\s*$"),
        re.compile(r"\[(?:图片|表情|语音|视频|文件)\]"),
    ),
    ChatForm(
        "WeeChat log",
        re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t[ @+%~&]?([^\t\s<>=-][^\t]{0,39})\t(.*)", re.S),
        re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t"),
    ),
    ChatForm("Zoom chat", re.compile(r"\d\d:\d\d:\d\d\s+From\s+(.{1,80}?)\s+[tT]o\s+.{1,80}?:\s*(.*)", re.S)),
    ChatForm("Zoom chat", re.compile(r"\d\d:\d\d:\d\d\t([^\t\n]{1,80}?):\t(.*)", re.S)),
)  # fmt: skip


def find_chat_form(head: str) -> ChatForm | None:
    """Find the form in which a text's first lines are messages."""
    lines = [line for line in head[:HEAD_CHARACTERS].split("\n") if line.strip()][:LOOKED_AT_LINES]
    for form in FORMS:
        messages = sum(bool(form.begins.match(line)) for line in lines)
        if messages >= MIN_MESSAGES and messages >= MIN_MESSAGE_SHARE * len(lines):
            return form
    return None


def is_saved_chat(head: str) -> bool:
    """Whether a text is such a chat."""
    return find_chat_form(head) is not None


def read_saved_chat(file: InputFile) -> Iterator[Passage]:
    """Read the messages as one document of lines `speaker: text`, without times and service lines."""
    form = find_chat_form(file.head(HEAD_CHARACTERS))
    assert form
    file.kind, file.unit, file.amount = form.name, "messages", 0
    yield from in_parts(_said(file, form))


def _said(file: InputFile, form: ChatForm) -> Iterator[str]:
    left_out = 0
    for speaker, lines in _messages(file, form):
        text = (
            "\n".join(lines).strip().removeprefix('"').removesuffix('"') if len(lines) > 1 else "".join(lines).strip()
        )
        if speaker and text and not form.no_message.fullmatch(text):
            file.amount = (file.amount or 0) + 1
            yield f"{speaker}: {text}\n"
        else:
            left_out += 1
    file.left_out = f"{left_out:,} service line{'s' if left_out > 1 else ''} left out" if left_out else ""


def _messages(file: InputFile, form: ChatForm) -> Iterator[tuple[str, list[str]]]:
    """Who said what, by lines; what nobody said has no speaker."""
    speaker, lines, is_open, awaits_speaker = "", list[str](), False, False
    with file.open_text() as stream:
        for line in map(_without_end, stream):
            begins = form.begins.match(line)
            if begins or form.service.match(line):
                if is_open:
                    yield speaker, lines
                is_open = bool(begins)
                awaits_speaker = is_open and form.speaker_below
                speaker, *said = (group.strip() for group in begins.groups()) if begins and begins.groups() else ("",)
                lines = said
                if not begins:
                    yield "", []
            elif awaits_speaker:
                speaker, awaits_speaker = line.strip(), False
            elif is_open:
                lines.append(line)
        if is_open:
            yield speaker, lines


def _without_end(line: str) -> str:
    return line.rstrip("\n").strip("\ufeff")
