"""Conversations that are lists of turns, as data sets on a hub and programs write them: `role: text`, line by line."""

from collections.abc import Mapping
from typing import Any

SPEAKER_KEYS = ("role", "from", "speaker", "author", "name", "sender", "user")
TEXT_KEYS = ("content", "value", "text", "utterance", "message", "body", "parts")
MAX_DEPTH = 8  # of lists and objects that hold the pieces of a text


def pieces_of_text(value: Any, depth: int = 0) -> list[str]:
    """The strings of a list of pieces, such as runs of text with their formats."""
    if isinstance(value, str):
        return [value]
    if depth == MAX_DEPTH:
        return []
    if isinstance(value, list):
        return [piece for each in value for piece in pieces_of_text(each, depth + 1)]
    if isinstance(value, Mapping):
        for key in TEXT_KEYS:
            if key in value:
                return pieces_of_text(value[key], depth + 1)
    return []


def turn(value: Any) -> tuple[str, str] | None:
    """Who speaks in a turn, and what they say; None where it is no turn."""
    if not isinstance(value, Mapping):
        return None
    speaker = next((name for key in SPEAKER_KEYS if (name := _name(value.get(key)))), None)
    said = next((pieces for key in TEXT_KEYS if (pieces := pieces_of_text(value.get(key)))), None)
    return (speaker, "".join(said).strip()) if speaker and said else None


def _name(value: Any) -> str | None:
    if isinstance(value, Mapping):  # {"author": {"role": "user"}}
        value = next((value[key] for key in SPEAKER_KEYS if isinstance(value.get(key), str)), None)
    return value.strip() if isinstance(value, str) and 0 < len(value.strip()) <= 100 else None


def joined_turns(value: Any) -> str | None:
    """The turns of a conversation as lines; None where a value is no list of turns."""
    if not (isinstance(value, list) and value and isinstance(value[0], Mapping)):
        return None
    turns = [found for each in value if (found := turn(each))]
    return "\n".join(f"{speaker}: {said}" for speaker, said in turns if said) if turns else None
