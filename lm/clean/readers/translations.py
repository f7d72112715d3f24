"""Translations of a program's messages (gettext): each as it was translated, or as it was written where it was not."""

from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable

PO_SUFFIXES = (".po", ".pot")
MAX_CHARACTERS = 2**25


def is_translations(name: str, head: str) -> bool:
    """Whether a file is a catalogue of messages."""
    return name.endswith(PO_SUFFIXES) and "msgid" in head


def read_translations(file: InputFile) -> Iterator[Passage]:
    """Read the messages as one document, a line each. Raises Unreadable."""
    import polib

    text = file.head(MAX_CHARACTERS + 1)
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"messages of more than {MAX_CHARACTERS // 10**6} million characters")
    try:
        entries = polib.pofile(text)
    except (OSError, ValueError, UnicodeError):
        raise Unreadable("damaged: its messages cannot be read") from None
    messages, originals = list[str](), 0
    for entry in entries:
        translated = entry.msgstr or next(filter(None, entry.msgstr_plural.values()), "")
        originals += not translated
        messages.append(translated or entry.msgid)
    if not messages:
        raise Unreadable("a catalogue without messages")
    file.unit, file.amount = "messages", len(messages)
    file.left_out = "originals of what is translated left out" if originals < len(messages) else ""
    yield Passage("".join(f"{message.strip()}\n" for message in messages if message.strip()))
