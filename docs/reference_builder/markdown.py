"""Markdown: tables, headings, code."""

import inspect
from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, one line a row."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def code(text: object) -> str:
    """Text in the type of code; empty where there is none."""
    return f"`{text}`" if str(text) else ""


def description(thing: object) -> str:
    """The docstring of a class, function or module, as paragraphs."""
    return (inspect.getdoc(thing) or "").strip()


def page(title: str, *parts: str) -> str:
    """A page of these parts, with an empty line between two."""
    return "\n\n".join([f"# {title}", *(part.strip("\n") for part in parts if part)]) + "\n"
