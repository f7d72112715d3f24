"""Chats: `speaker: text`, line by line, without service lines, ids and dates, whatever program exported them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lm.clean.readers.reading import read, texts, told

SAID = [("Ann", "Are you there?"), ("Ben K.", "Yes:\nI came back at 10:30.\n\nAnd you?"), ("Ann", "Me too 🙂")]
LINES = "".join(f"{speaker}: {text}\n" for speaker, text in SAID)
WHATSAPP = {
    "Android, German": (
        "31.12.20, 23:{0:02} - ",
        "Nachrichten sind Ende-zu-Ende-verschlüsselt.",
        "<Medien ausgeschlossen>",
    ),
    "Android, American": ("12/31/20, 11:{0:02} PM - ", "Ann added Ben", "<Media omitted>"),
    "Android, 2023": (
        "12/31/20, 11:{0:02}\u202fPM - ",
        "Ann changed the subject to “x: y”",
        "This message was deleted",
    ),
    "Android, ISO": ("2020-12-31 23:{0:02} - ", "Ann left", "null"),
    "Android, Spanish": ("31/12/20 11:{0:02} p. m. - ", "Se añadió a Ann", "IMG-1.jpg (archivo adjunto)"),
    "iPhone": (
        "[31/12/2020, 23:{0:02}:59] ",
        "\u200eAnn: \u200eMessages are end-to-end encrypted.",
        "\u200eimage omitted",
    ),
    "iPhone, American": ("\u200e[12/31/20, 11:{0:02}:01 PM] ", "Ann created group “G”", "\u200evideo omitted"),
    "Chinese": ("2020/12/31 下午11:{0:02} - ", "Ann 加入了", "<媒體已略去>"),
    "Signal": ("[2020-12-31 23:{0:02}] ", "Ann left the group", "<picture.jpg>"),
}


@pytest.mark.parametrize(("time", "service", "media"), WHATSAPP.values(), ids=WHATSAPP)
def test_a_log_of_a_chat_is_what_was_said(tmp_path: Path, time: str, service: str, media: str) -> None:
    """One document; a message may have several lines, with times and colons in them."""
    entries = [service, *(f"{speaker}: {text}" for speaker, text in SAID), f"Ben K.: {media}"]
    log = "".join(f"{time.format(number)}{entry}\n" for number, entry in enumerate(entries))
    assert texts(tmp_path, "WhatsApp Chat with Ben.txt", log) == [LINES]
    assert told(tmp_path, "a.txt", log.replace("\n", "\r\n")) == "a.txt: chat, 3 messages; 2 service lines left out"


def test_a_log_of_irc_is_what_was_said(tmp_path: Path) -> None:
    """Joins and changes of topic are left out, also those with a colon."""
    log = (
        "[10:00] *** ann joined #sea: hello\n[10:01] <@ann> Who is there?\n[10:02] <ben> http: me.\n[10:03] <ann> Ah.\n"
    )
    assert texts(tmp_path, "sea.log", log) == ["ann: Who is there?\nben: http: me.\nann: Ah.\n"]


def telegram(said: list[tuple[str, str]]) -> list[dict[str, Any]]:
    service = {
        "id": 0,
        "type": "service",
        "date": "2021-03-01T10:00:00",
        "actor": "Ann",
        "action": "phone_call",
        "text": "",
    }
    return [service] + [
        {
            "id": n,
            "type": "message",
            "date": f"2021-03-01T10:0{n}:00",
            "from": who,
            "from_id": f"user{n}",
            "text": [text[:3], {"type": "bold", "text": text[3:]}, ""],
            "text_entities": [{"type": "plain", "text": text}],
        }
        for n, (who, text) in enumerate(said)
    ]


def discord(said: list[tuple[str, str]]) -> list[dict[str, Any]]:
    joined = {
        "id": "1",
        "type": "GuildMemberJoin",
        "timestamp": "2021-01-01",
        "content": "Joined.",
        "author": {"name": "x"},
    }
    return [joined] + [
        {
            "id": "2",
            "type": "Default",
            "timestamp": f"2021-01-02T0{n}",
            "content": text,
            "author": {"id": "3", "name": "x", "nickname": who},
        }
        for n, (who, text) in enumerate(said)
    ]


def slack(said: list[tuple[str, str]]) -> list[dict[str, Any]]:
    joined = {
        "type": "message",
        "subtype": "channel_join",
        "user": "U0123ABCD",
        "ts": "1.0",
        "text": "<@U0123ABCD> has joined",
    }
    return [joined] + [
        {"type": "message", "user": f"U0123ABC{n}", "ts": f"{n}.1", "text": text, "user_profile": {"real_name": who}}
        for n, (who, text) in enumerate(said)
    ]


def messenger(said: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The newest first, each byte of UTF-8 written as a character."""

    def mangled(text: str) -> str:
        return text.encode().decode("latin-1")

    made = [
        {"sender_name": mangled(who), "timestamp_ms": 1000 + n, "content": mangled(text)}
        for n, (who, text) in enumerate(said)
    ]
    return [*made, {"sender_name": "Ann", "timestamp_ms": 2000, "content": "Ann sent an attachment."}][::-1]


EXPORTS: dict[str, tuple[Any, str]] = {
    "Telegram": (
        {"name": "Ann", "type": "personal_chat", "id": 1, "messages": telegram(SAID)},
        "Telegram chat, 3 messages",
    ),
    "Discord": (
        {"guild": {"id": "1", "name": "G"}, "channel": {"topic": "x"}, "messages": discord(SAID), "messageCount": 4},
        "Discord chat, 3 messages",
    ),
    "Slack": (slack(SAID), "Slack chat, 3 messages"),
    "Messenger": (
        {"participants": [{"name": "Ann"}, {"name": "Ben"}], "messages": messenger(SAID), "title": "Ann"},
        "Messenger chat, 3 messages",
    ),
    "a model's": (
        {"model": "x", "messages": [{"role": who, "content": text} for who, text in SAID]},
        "conversation, 3 messages",
    ),
}


@pytest.mark.parametrize(("export", "sentence"), EXPORTS.values(), ids=EXPORTS)
def test_an_export_of_a_chat_is_what_was_said(tmp_path: Path, export: Any, sentence: str) -> None:
    """Service messages, ids, dates and what is said of the chat are left out; the oldest message comes first."""
    content = json.dumps(export, indent=1)
    assert texts(tmp_path, "result.json", content) == [LINES]
    assert told(tmp_path, "result.json", content).startswith(f"result.json: {sentence}")


def test_all_chats_in_one_file_are_a_document_each(tmp_path: Path) -> None:
    """Telegram's export of everything, and ChatGPT's, of which the branch that was kept is read."""
    chats = {
        "about": "Here is all of it.",
        "chats": {
            "about": "",
            "list": [{"name": name, "type": "x", "id": 1, "messages": telegram(SAID)} for name in ("Ann", "Bob")],
        },
    }
    documents, _ = read(tmp_path, "result.json", json.dumps(chats))
    assert [(document.title, document.text + "\n") for document in documents] == [("Ann", LINES), ("Bob", LINES)]
    node = {"content_type": "text"}
    mapping = {
        "root": {"message": None, "parent": None},
        "a": {"parent": "root", "message": {"author": {"role": "user"}, "content": node | {"parts": ["Who?"]}}},
        "b": {"parent": "a", "message": {"author": {"role": "assistant"}, "content": node | {"parts": ["Nobody."]}}},
        "c": {"parent": "a", "message": {"author": {"role": "assistant"}, "content": node | {"parts": ["Ann."]}}},
    }
    export = [{"title": "Names", "create_time": 1.5, "mapping": mapping, "current_node": "c"}]
    documents, _ = read(tmp_path, "conversations.json", json.dumps(export))
    assert [(document.title, document.text) for document in documents] == [("Names", "user: Who?\nassistant: Ann.\n")]


def test_people_without_a_name_get_one(tmp_path: Path) -> None:
    """No id of Slack reaches the text."""
    messages = [
        {"type": "message", "user": f"U0AAAAAA{n}", "ts": f"{n}", "text": "Hi <@U0AAAAAA1>, see <https://a.b|this>"}
        for n in (1, 2)
    ]
    assert texts(tmp_path, "2021-01-01.json", json.dumps(messages)) == [
        "user 1: Hi @user 1, see this\nuser 2: Hi @user 1, see this\n"
    ]
