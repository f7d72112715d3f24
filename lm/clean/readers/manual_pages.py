"""Manual pages of Unix (roff): their text, without requests and escapes."""

import re
from collections.abc import Iterator

from lm.clean.readers.input_file import InputFile, Passage, in_parts

_NAME = re.compile(r"\.[1-9ln][a-z]{0,4}$")
_PAGE = re.compile(r"(?m)^\.(?:TH|Dd)\b")
_REQUEST = re.compile(r"[.']\s*([A-Za-z]{1,3})\b[ \t]*(.*)")
_HEADINGS = frozenset({"SH", "SS", "Sh", "Ss"})
_INLINE = frozenset(
    {
        "B",
        "I",
        "SM",
        "SB",
        "BR",
        "RB",
        "BI",
        "IB",
        "IR",
        "RI",
        "UR",
        "MR",
        "Nm",
        "Ar",
        "Fl",
        "Op",
        "Pa",
        "Xr",
        "Li",
        "Dq",
    }
)
_ALTERNATING = frozenset({"BR", "RB", "BI", "IB", "IR", "RI"})  # fonts, without spaces between
_GAPS = frozenset({"PP", "LP", "P", "Pp", "TP", "IP", "sp", "It", "HP"})
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_ESCAPE = re.compile(r"\\(?:f(?:\[[^\]]*\]|\(..|.)|s[+-]?\d{1,2}|[&/,|^%:]|[kmM](?:\[[^\]]*\]|.))|\\\".*")
_SIGN = re.compile(r"\\(?:\((..)|\[([^\]]+)\]|\*\(?(..?)|(.))")
_SIGNS = {"em": "\u2014", "en": "\u2013", "aq": "'", "dq": '"', "lq": "\u201c", "rq": "\u201d", "oq": "\u2018",
          "cq": "\u2019", "bu": "\u2022", "co": "\u00a9", "ha": "^", "ti": "~", "rs": "\\", "hy": "-", "mi": "-",
          "-": "-", "e": "\\", " ": " ", "~": " ", "0": " ", "'": "'", "`": "`", ".": "."}  # fmt: skip


def is_manual_page(name: str, head: str) -> bool:
    """Whether a file is the source of a manual page."""
    return bool(_NAME.search(name)) and bool(_PAGE.search(head))


def read_manual_page(file: InputFile) -> Iterator[Passage]:
    """Read the page as one document."""
    file.left_out = "requests left out"
    yield from in_parts(_lines(file))


def _lines(file: InputFile) -> Iterator[str]:
    with file.open_text() as stream:
        for line in stream:
            request = _REQUEST.match(line) if line.startswith((".", "'")) else None
            if request is None:
                if not line.startswith((".", "'")):
                    yield _plain(line)
                continue
            name, arguments = request[1], [a[0].replace('""', '"') or a[1] for a in _ARGUMENT.findall(request[2])]
            if name in _HEADINGS:
                yield "\n" + _plain(" ".join(arguments)) + "\n"
            elif name in _INLINE and arguments:
                yield _plain(("" if name in _ALTERNATING else " ").join(arguments)) + "\n"
            elif name in _GAPS:
                yield "\n"


def _plain(text: str) -> str:
    return _SIGN.sub(_sign, _ESCAPE.sub("", text))


def _sign(match: re.Match[str]) -> str:
    return _SIGNS.get(match[1] or match[2] or match[3] or match[4], "")
