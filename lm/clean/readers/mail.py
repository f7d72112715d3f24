"""E-mail: the text that was written in each message, without headers, attachments and what it quotes."""

import re
from collections.abc import Iterator
from email.errors import MessageError
from typing import TYPE_CHECKING, Any

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.pages import markup_text

if TYPE_CHECKING:
    from email.message import EmailMessage

MAX_MESSAGE_BYTES = 2**26  # with what is attached
LEFT_OUT = "headers, attachments, signatures and quoted lines left out"
# As the standard library says it of odd headers.
MAIL_ERRORS = (MessageError, ValueError, LookupError, AttributeError, TypeError, RecursionError)
_SAVED_PAGE = re.compile(r"^(?:Snapshot-Content-Location:|From: <?Saved by )", re.M)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,40}:\s", re.M)
_MAIL_HEADERS = re.compile(r"^(?:Message-ID|MIME-Version|Received|Return-Path|Delivered-To):", re.M | re.I)
_ADDRESSED = re.compile(r"^From:.*@", re.M | re.I)
_ATTRIBUTION = re.compile(r"(?:^|\n)[^\n>]{0,200}(?:wrote|schrieb|a écrit|escribió|ha scritto|написал)[^\n]{0,80}:\s*$")


def is_mailbox(head: str) -> bool:
    """Whether a text begins as a mailbox does."""
    first, _, rest = head.partition("\n")
    return first.startswith("From ") and bool(_HEADER.match(rest))


def is_mail(head: str) -> bool:
    """Whether a text begins as a message does."""
    headers = head.partition("\n\n")[0]
    return bool(_HEADER.match(headers) and _MAIL_HEADERS.search(headers) and _ADDRESSED.search(headers))


def read_mailbox(file: InputFile) -> Iterator[Passage]:
    """Read each message of a mailbox."""
    import mailbox  # deferred, as email is: few corpora have mail

    file.unit, file.left_out = "messages", LEFT_OUT
    box = mailbox.mbox(file.path, create=False)
    try:
        for number, key in enumerate(box.iterkeys(), 1):
            with box.get_file(key) as stream:
                content = stream.read(MAX_MESSAGE_BYTES + 1)
            yield _message(content, number) if len(content) <= MAX_MESSAGE_BYTES else Passage(None, number=number)
    finally:
        box.close()


def read_mail(file: InputFile) -> Iterator[Passage]:
    """Read one message. Raises Unreadable where it holds no text."""
    file.unit, file.left_out = "messages", LEFT_OUT
    with file.path.open("rb") as stream:
        content = stream.read(MAX_MESSAGE_BYTES + 1)
    if len(content) > MAX_MESSAGE_BYTES:
        raise Unreadable(f"a message of more than {MAX_MESSAGE_BYTES // 10**6} MB")
    if content[:20].split(b"\n")[0].strip().isdigit():  # Apple's Mail writes the size before the message
        content = content.partition(b"\n")[2]
    passage = _message(content)
    if passage.text is None:
        raise Unreadable("a message without text")
    yield passage


def is_saved_page(name: str, head: str) -> bool:
    """Whether a file is a page that a browser saved with all that belongs to it (MHTML)."""
    return name.endswith((".mht", ".mhtml")) or bool(_SAVED_PAGE.search(head.partition("\n\n")[0]))


def read_saved_page(file: InputFile) -> Iterator[Passage]:
    """Read the main text of such a page. Raises Unreadable where it holds none."""
    import email.policy

    from lm.clean.readers.html_text import page_text

    file.left_out = "pictures and styles left out"
    with file.path.open("rb") as stream:
        content = stream.read(MAX_MESSAGE_BYTES + 1)
    if len(content) > MAX_MESSAGE_BYTES:
        raise Unreadable(f"a saved page of more than {MAX_MESSAGE_BYTES // 10**6} MB")
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
        pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
        page = page_text(_content(pages[0])) if pages else None
    except MAIL_ERRORS:
        page = None
    if page is None or not page.text.strip():
        raise Unreadable("a saved page without text")
    yield Passage(page.text, page.title)


def _message(content: bytes, number: int = 0) -> Passage:
    import email.policy

    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, email.message.EmailMessage)
        text, subject = _body(message), str(message.get("subject", "")).strip()
    except MAIL_ERRORS:
        return Passage(None, number=number)  # as the standard library says it of odd headers
    return Passage(text, subject, number)


def _body(message: "EmailMessage") -> str | None:
    part = message.get_body(("plain", "html"))
    if part is None:
        return None
    text = _content(part)
    if part.get_content_type() == "text/html":
        text = markup_text(text) or ""
    return _unquoted(text.replace("\r\n", "\n")) or None


def _content(part: Any) -> str:
    """The text of a part: in the encoding that it states, else UTF-8, else what Windows wrote."""
    payload = part.get_payload(decode=True)
    encoding = part.get_content_charset()
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(encoding or "utf-8", "replace" if encoding else "strict")
    except UnicodeDecodeError:
        return payload.decode("cp1252", "replace")
    except LookupError:  # of an encoding that is not known
        return payload.decode("utf-8", "replace")


def _unquoted(text: str) -> str:
    """A message without the lines that it quotes, and without the line that says whom."""
    kept = list[str]()
    for line in text.split("\n"):
        if line.startswith(">"):
            while kept and not kept[-1].strip():
                kept.pop()
            if kept and _ATTRIBUTION.search(kept[-1]):
                kept.pop()
        elif line.rstrip() == "--":  # a signature follows
            break
        else:
            kept.append(line)
    return "\n".join(kept).strip("\n")
