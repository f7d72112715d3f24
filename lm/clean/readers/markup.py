"""Texts set in markup of their own: LaTeX, RTF, Markdown with front matter."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.plain_text import read_text_after

LATEX_SUFFIXES = (".tex", ".ltx", ".latex")
MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")
MAX_CHARACTERS = 2**23  # of a text that its library takes whole
MAX_FRONT_MATTER = 2**14  # characters
_FRONT_MATTER = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\n((?:.*\n)*?)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)\n*")
_SETTING = re.compile(r"^[\"']?[\w .-]{1,60}[\"']?\s*[:=](?:\s|$)", re.M)
_PREAMBLE = re.compile(r"\A.*?\\begin\s*\{document\}|\\end\s*\{document\}.*\Z", re.S)
_NOT_PROSE = re.compile(r"\\begin\{(tikzpicture|thebibliography|filecontents\*?|tabular\*?)\}.*?\\end\{\1\}", re.S)
_EMPTY_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


def is_latex(name: str, head: str) -> bool:
    """Whether a text is a document in LaTeX."""
    return name.lower().endswith(LATEX_SUFFIXES) or bool(re.match(r"(?:\s|%.*\n)*\\documentclass\b", head))


def read_latex(file: InputFile) -> Iterator[Passage]:
    """Read a document as its reader sees it; formulas stay as they are written. Raises Unreadable."""
    from pylatexenc.latex2text import LatexNodes2Text

    source = _NOT_PROSE.sub("", _PREAMBLE.sub("", _whole(file, "a LaTeX document")))
    to_text = LatexNodes2Text(math_mode="verbatim", keep_comments=False, strict_latex_spaces=False)
    try:
        text = to_text.latex_to_text(source, tolerant_parsing=True)
    except (RecursionError, ValueError, IndexError, TypeError):
        raise Unreadable("a LaTeX document that is nested too deeply or damaged") from None
    file.left_out = "commands, figures and bibliography left out"
    yield Passage(_EMPTY_LINES.sub("\n\n", text).strip("\n") + "\n")


def read_rtf(file: InputFile) -> Iterator[Passage]:
    """Read the text of an RTF document. Raises Unreadable."""
    from striprtf.striprtf import rtf_to_text

    if file.path.stat().st_size > MAX_CHARACTERS:
        raise Unreadable(f"an RTF document of more than {MAX_CHARACTERS // 10**6} million characters")
    try:
        text = str(rtf_to_text(file.path.read_bytes().decode("latin-1"), errors="ignore"))  # type: ignore[no-untyped-call]
    except (ValueError, LookupError, IndexError, KeyError, TypeError, AttributeError):
        raise Unreadable("a damaged RTF document") from None
    if not text.strip():
        raise Unreadable("a document without text")
    yield Passage(text)


def _whole(file: InputFile, what: str) -> str:
    text = file.head(MAX_CHARACTERS + 1)
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"{what} of more than {MAX_CHARACTERS // 10**6} million characters")
    return text


def front_matter(head: str) -> int:
    """How many characters at the beginning of a text are settings for a program; 0 where there are none."""
    match = _FRONT_MATTER.match(head[:MAX_FRONT_MATTER])
    return match.end() if match and (not match[2].strip() or _SETTING.search(match[2])) else 0


def has_front_matter(name: str, head: str) -> bool:
    """Whether a text is Markdown with settings before it."""
    return name.lower().endswith(MARKDOWN_SUFFIXES) and front_matter(head) > 0


def read_markdown(file: InputFile) -> Iterator[Passage]:
    """Read a Markdown text without the settings before it."""
    file.left_out = "front matter left out"
    yield from read_text_after(file, front_matter(file.head(MAX_FRONT_MATTER)))
