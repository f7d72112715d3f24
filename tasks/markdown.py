"""Markdown for Prefect's pages, in which text from a corpus or a model is text and nothing else."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from lm.text.plain_text import close_gaps, visible

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")  # of ASCII: CommonMark lets a backslash make each of them literal
INDENT = re.compile(r"(?m)^[ \t]+")


def escape(text: object) -> str:
    """Any text as literal markdown on one line: no emphasis, no link, no HTML."""
    return _literal(" ".join(visible(str(text)).split()))


def quote(text: str) -> str:
    """Any text as a literal block quote that keeps its lines; of several empty lines one stays."""
    indented = INDENT.sub(lambda match: "\N{NO-BREAK SPACE}" * len(match[0]), close_gaps(visible(text.strip("\n"))))
    lines = [_literal(line) if line.strip() else "" for line in indented.split("\n")]
    breaks = ["\\" if line and after else "" for line, after in pairwise([*lines, ""])]
    return "\n".join(f"> {line}{end}".rstrip(" ") for line, end in zip(lines, breaks, strict=True))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, its first column to the left and the others to the right; every cell is literal."""
    lines = [header, *rows]
    ruler = "|".join(["---", *["--:"] * (len(header) - 1)])
    first, *rest = ("| " + " | ".join(map(escape, line)) + " |" for line in lines)
    return "\n".join([first, f"|{ruler}|", *rest])


def link(text: object, address: str) -> str:
    """A link to a page of the server that shows it."""
    return f"[{escape(text)}]({address})"


def facts(rows: dict[str, object]) -> str:
    """Names and values, those without a value left out."""
    return table(["", "value"], [(name, value) for name, value in rows.items() if value not in (None, "")])


def bullets(texts: Iterable[object]) -> str:
    """A list, each item literal."""
    return "\n".join(f"- {escape(text)}" for text in texts)


def command_line(text: str) -> str:
    """A command on a line of its own, as code."""
    return f"    {' '.join(visible(text).split())}"


def picture(name: str, png_base64: str) -> str:
    """A picture that needs no server to hold it: Prefect's image artifact would print its address across the page."""
    return f"![{escape(name)}](data:image/png;base64,{png_base64})"


def page(*parts: str) -> str:
    """Parts one below the other, empty ones left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def _literal(text: str) -> str:
    return PUNCTUATION.sub(r"\\\1", text)
