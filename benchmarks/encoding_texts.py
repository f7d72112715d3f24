"""Texts in many languages, from packages of Debian 12: manual pages, stories of a game, help pages and menus.

`python -m benchmarks.encoding_texts FOLDER` downloads 200 MB with `apt-get` and writes `FOLDER/<set>/<language>.txt`,
UTF-8 all of them. `tables` are what `letter_pairs.txt` is derived from; the others are not in it.
"""

import argparse
import gettext
import gzip
import html
import io
import re
import subprocess
import tarfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

MANUALS = "cs da de el es fi fr hu id it mk nb nl pl pt-br ro ru sr sv uk vi ja tr zh"
MENUS = (
    "ar he ko zh-tw zh-cn ja el vi hu pl ru tr uk bg cs sk hr sl ro lt lv et da nb sv fi is de fr es it pt nl fa th "
    "be mk sr"
)
STORIES = "did dm dw ei httt l low nr sof sota sotbe thot trow"
PACKAGES = (
    *(f"manpages-{code}" for code in MANUALS.split()),
    *(f"libreoffice-l10n-{code}" for code in MENUS.split()),
    *(f"wesnoth-1.16-{campaign}" for campaign in STORIES.split()),
    "wesnoth-1.16-data",
    "gnome-user-docs",
)
# Languages of which there is little besides menus: the first quarter of these is for the tables.
FEW_TEXTS = ("ar", "et", "is", "th", "bg", "mk", "be", "zh_TW", "nb", "sk", "fa")
SAME = {"pt_BR": "pt", "nb_NO": "nb", "C": "en", "en_GB": "en", "sr@latin": "hr", "nn": "nb"}
MIN_MESSAGE, MIN_PAGE = 16, 500  # characters
TONES = "\u0300\u0301\u0303\u0309\u0323"
_REQUEST = re.compile(r"^[.'](?:SH|SS|TH|TP|IP|B|I|BR|IR|RB|RI|BI|IB)?(?: (.*))?$|^[.'].*$", re.M)
_ESCAPE = re.compile(r"\\f.|\\&|\\\(..|\\s[+-]?\d|\\\*?\[[^]]*\]")


def main() -> None:
    """Download the packages and write the texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    missing = [name for name in PACKAGES if not any(packages.glob(f"{name}_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", "-q", *missing], cwd=packages, check=True)
    texts = defaultdict[tuple[str, str], list[str]](list)
    for path in sorted(packages.glob("*.deb")):
        for name, content in files(path):
            if found := read(path.name, name, content):
                kind, language, text = found
                texts[kind, SAME.get(language, language)].append(text)
    for (kind, language), found_texts in texts.items():
        write(folder, kind, language, "\n".join(found_texts))


def files(package: Path) -> Iterator[tuple[str, bytes]]:
    """Regular files of a Debian package."""
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        for member in archive:
            if member.isfile() and (stream := archive.extractfile(member)):
                yield member.name, stream.read()


def read(package: str, name: str, content: bytes) -> tuple[str, str, str] | None:
    """A file's set, language and text; None for one that is no text."""
    if match := re.search(r"/man/([a-z]{2}(?:_[A-Z]{2})?)(?:\.[^/]*)?/man\d/", name):
        page = manual_page(gzip.decompress(content) if name.endswith(".gz") else content)
        return ("manuals", match[1], page) if len(page) > MIN_PAGE else None
    if match := re.search(r"/help/([^/]+)/[^/]+/[^/]+\.page$", name):
        return "tables", match[1], re.sub(r"\s*\n\s*", "\n", html.unescape(re.sub(r"<[^>]*>", " ", content.decode())))
    if match := re.search(r"/([^/]+)/LC_MESSAGES/[^/]+\.mo$", name):
        kind = "menus" if "libreoffice" in package else "tables" if "-data" in package else "stories"
        return kind, match[1], messages(content)
    return None


def manual_page(source: bytes) -> str:
    """A manual page without its markup."""
    text = _REQUEST.sub(lambda match: match[1] or "", source.decode("utf-8", "ignore"))
    return re.sub(r"\n{2,}", "\n", _ESCAPE.sub("", text).replace("\\-", "-"))


def messages(catalogue: bytes) -> str:
    """What a catalogue of messages translates, where it is longer than a word or two."""
    try:
        found = gettext.GNUTranslations(io.BytesIO(catalogue))._catalog  # type: ignore[attr-defined]
    except ValueError:  # a language that nobody has begun
        return ""
    pairs = ((key if isinstance(key, str) else key[0], text) for key, text in found.items())
    return "\n".join(text for key, text in pairs if key and text != key and len(text) >= MIN_MESSAGE)


def write(folder: Path, kind: str, language: str, text: str) -> None:
    """Write a text, of menus the first quarter for the tables where there is little else."""
    if kind == "menus" and language in FEW_TEXTS:
        cut = text.index("\n", len(text) // 4)
        write(folder, "more-tables", language, text[:cut])
        text = text[cut + 1 :]
    path = folder / kind / f"{language}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def windows_vietnamese(text: str, *, composed: bool) -> str:
    """Write Vietnamese as cp1258 can: tones stand apart, all or those for which it has no composed letter."""
    written = list[str]()
    for character in text:
        parts = unicodedata.normalize("NFD", character)
        tone = next((mark for mark in parts if mark in TONES), "")
        if not tone or (composed and can_encode(character, "cp1258")):
            written.append(character)
        else:
            written += [unicodedata.normalize("NFC", parts.replace(tone, "")), tone]
    return "".join(written)


def can_encode(character: str, encoding: str) -> bool:
    """Whether an encoding has a character, and only this one for its bytes."""
    try:
        return character.encode(encoding).decode(encoding) == character
    except UnicodeError:
        return False


if __name__ == "__main__":
    main()
