"""Messages of chats as programs export them in JSON: Telegram, Discord, Slack, Signal, ChatGPT …"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lm.clean.readers.input_file import InputFile
from lm.clean.readers.pages import markup_text
from lm.clean.readers.turns import pieces_of_text, turn

Message = Mapping[str, Any]
SLACK_SERVICE = re.compile(r"channel_|group_|bot_add|bot_remove|pinned_item|reminder_add|tombstone")
_SLACK_MARK = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_MESSENGER_SERVICE = re.compile(
    r"Reacted .{1,8} to your message|Liked a message|You (?:sent an attachment|missed a (?:video )?call).{0,100}"
    r"|.{1,80} (?:sent an attachment|sent a photo|missed your (?:video )?call|liked a message|started a video chat"
    r"|changed the (?:theme|group photo|chat theme)|set the (?:nickname|emoji)).{0,200}",
    re.S,
)
DISCORD_MESSAGES = {"Default", "Reply", "ThreadStarterMessage", 0, 19, 21}


class Said(NamedTuple):
    """What somebody said."""

    speaker: str
    text: str


class ChatExport(NamedTuple):
    """A program's form of messages: what one says, None for a service line; and whether the newest comes first."""

    name: str
    said: Callable[[Message], Said | None]
    time_key: str = ""


def recognise_export(messages: Sequence[Any]) -> ChatExport | None:
    """Which program exported these messages, by the keys that nearly all have; None where it is none of ours."""
    objects = [message for message in messages if isinstance(message, Mapping)]
    if not objects or len(objects) < len(messages):
        return None
    for keys, export in EXPORTS:
        if sum(all(key in message for key in keys) for message in objects) > 0.5 * len(objects):
            return export
    return None


def _said(speaker: Any, text: Any) -> Said | None:
    name = speaker.strip() if isinstance(speaker, str) else ""
    words = "".join(pieces_of_text(text)).strip()
    return Said(name or "someone", words) if words else None


def _telegram(message: Message) -> Said | None:
    return _said(message.get("from"), message.get("text")) if message.get("type") == "message" else None


def _discord(message: Message) -> Said | None:
    if message.get("type", 0) not in DISCORD_MESSAGES:
        return None
    author = message["author"]
    names = (
        (author.get(key) for key in ("nickname", "global_name", "name", "username"))
        if isinstance(author, Mapping)
        else (author,)
    )
    return _said(next(filter(None, names), None), message.get("content"))


def _slack(message: Message) -> Said | None:
    if message.get("type") != "message" or SLACK_SERVICE.match(str(message.get("subtype", ""))):
        return None
    profile = message.get("user_profile")
    profile = profile if isinstance(profile, Mapping) else {}
    names = (profile.get(key) for key in ("display_name", "real_name", "name"))
    user = next(filter(None, names), None) or message.get("username") or message.get("user")
    text = message.get("text")
    return _said(user, _SLACK_MARK.sub(_slack_mark, text) if isinstance(text, str) else None)


def _slack_mark(match: re.Match[str]) -> str:
    kind, target, label = match.groups()
    return f"{kind.replace('!', '@')}{label or target.partition('^')[0]}"


def _messenger(message: Message) -> Said | None:
    text = message.get("content")
    if message.get("is_unsent") or not isinstance(text, str):
        return None
    text = _as_meant(text)
    return None if _MESSENGER_SERVICE.fullmatch(text.strip()) else _said(_as_meant(str(message["sender_name"])), text)


def _as_meant(text: str) -> str:
    """Text whose UTF-8 was written as if each byte were a character, as it was meant."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _signal(message: Message) -> Said | None:
    speaker = "me" if message.get("type") == "outgoing" else message.get("sender") or message.get("source") or "them"
    return _said(speaker, message.get("body")) if message.get("type") in ("incoming", "outgoing") else None


def _signal_lines(message: Message) -> Said | None:
    return _said(message.get("sender"), message.get("body"))


def _google(message: Message) -> Said | None:
    creator = message["creator"] if isinstance(message["creator"], Mapping) else {}
    return _said(creator.get("name") or creator.get("email"), message.get("text"))


def _skype(message: Message) -> Said | None:
    content = message.get("content")
    if not str(message.get("messagetype", "")).startswith(("Text", "RichText")) or not isinstance(content, str):
        return None
    name = message.get("displayName") or str(message.get("from", "")).partition(":")[2]
    return _said(name, markup_text(content) if "<" in content or "&" in content else content)


def _any(message: Message) -> Said | None:
    found = turn(message)
    return Said(*found) if found and found[1] else None


PLAIN = ChatExport("conversation", _any)
EXPORTS: tuple[tuple[tuple[str, ...], ChatExport], ...] = (
    (("type", "date", "text", "id"), ChatExport("Telegram chat", _telegram)),
    (("author", "content", "timestamp"), ChatExport("Discord chat", _discord, "timestamp")),
    (("sender_name", "timestamp_ms"), ChatExport("Messenger chat", _messenger, "timestamp_ms")),
    (("type", "ts"), ChatExport("Slack chat", _slack)),
    (("type", "body", "conversationId"), ChatExport("Signal chat", _signal)),
    (("type", "body", "sent_at"), ChatExport("Signal chat", _signal)),
    (("sender", "body", "reactions"), ChatExport("Signal chat", _signal_lines)),
    (("creator", "created_date"), ChatExport("Google chat", _google)),
    (("from", "content", "messagetype"), ChatExport("Skype chat", _skype, "originalarrivaltime")),
)


def lines_of(messages: Iterable[Any], export: ChatExport) -> Iterator[str]:
    """What was said in a conversation as lines `speaker: text`, oldest first; "" for each service line.

    Memory: a message at a time, or all that was said where the newest message may come first.
    """
    names = _Names()
    for said in _in_order(messages, export) if export.time_key else map(export.said, _objects(messages)):
        yield f"{names.shown(said.speaker)}: {names.within(said.text)}\n" if said else ""


def counted_lines(messages: Iterable[Any], export: ChatExport, file: InputFile) -> Iterator[str]:
    """The same, counted in the file: what was said, and service lines."""
    service = 0
    for line in lines_of(messages, export):
        service += not line
        file.amount = (file.amount or 0) + bool(line)
        yield line
    file.left_out = f"{service:,} service line{'s' if service > 1 else ''} left out" if service else ""


def _objects(messages: Iterable[Any]) -> Iterator[Message]:
    return (message for message in messages if isinstance(message, Mapping))


def _in_order(messages: Iterable[Any], export: ChatExport) -> list[Said | None]:
    first, last, said = None, None, list[Said | None]()
    for message in _objects(messages):
        last = message.get(export.time_key)
        first = last if first is None else first
        said.append(export.said(message))
    newest_first = type(first) is type(last) and isinstance(first, int | float | str) and first > last  # type: ignore[operator]
    return said[::-1] if newest_first else said


class _Names:
    """Calls those `user 1`, `user 2` of whom an export gives only an id."""

    _ID = re.compile(r"[UWB][A-Z0-9]{7,12}")
    _MENTION = re.compile(r"@([UWB][A-Z0-9]{7,12})\b")

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def shown(self, speaker: str) -> str:
        """The name of a speaker."""
        return self._numbered(speaker) if self._ID.fullmatch(speaker) else speaker

    def within(self, text: str) -> str:
        """A text with the names of those it mentions."""
        return self._MENTION.sub(lambda match: f"@{self._numbered(match[1])}", text) if "@" in text else text

    def _numbered(self, identity: str) -> str:
        return self._numbers.setdefault(identity, f"user {len(self._numbers) + 1}")


def chatgpt_turns(conversation: Message) -> list[Said]:
    """The turns of a conversation with ChatGPT that lead to its last one: its other branches were written over."""
    nodes, turns = conversation["mapping"], list[Said]()
    place = conversation.get("current_node")
    for _ in range(len(nodes)):
        node = nodes.get(place)
        if not isinstance(node, Mapping):
            break
        message, place = node.get("message"), node.get("parent")
        if not isinstance(message, Mapping) or not isinstance(author := message.get("author"), Mapping):
            continue
        content = message.get("content")
        is_text = isinstance(content, Mapping) and content.get("content_type", "text") in ("text", "multimodal_text")
        if author.get("role") in ("user", "assistant") and is_text and (said := _said(author["role"], content)):
            turns.append(said)
    return turns[::-1]
