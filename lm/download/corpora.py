"""Corpora: the catalogue, and how the words of a request become sources."""

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lm.download import python_docs
from lm.download.folder_files import FolderFiles
from lm.download.remote_addresses import check_address, is_remote
from lm.errors import BadInput, check_utf8
from lm.store.artifacts import Store
from lm.text import addresses, licences
from lm.text.addresses import printable
from lm.text.file_kind import HEAD_BYTES, READABLE, FileKind, file_kind
from lm.text.tool_files import SETTINGS_FILE

GUTENBERG = "https://www.gutenberg.org"
GUTENBERG_PAUSE_SECONDS = 2.0  # its robots page asks for one connection and a pause between files
HUGGING_FACE = "https://huggingface.co"
MAX_NAMED = 10  # files that a note names


@dataclass(frozen=True)
class Source:
    """One file of a corpus: where it comes from, and how it is read.

    `sha256` is None until the content is known: by the catalogue, a pin of first use, or the local file itself.
    """

    name: str
    kind: Literal["embedded", "url", "file", "place", "remote"]  # a place has yet to be listed: its files are remote
    address: str  # to be shown only through `addresses.shown`
    title: str
    licence: str = licences.NOT_STATED
    sha256: str | None = None
    format: Literal["text", "jsonl"] = "text"
    separator: str | None = None
    place: str = ""  # the address whose listing has this file
    pause_seconds: float = 0.0  # between two files of the same host


def _book(name: str, title: str, number: int) -> Source:
    return Source(
        name,
        "url",
        f"{GUTENBERG}/cache/epub/{number}/pg{number}.txt",
        title,
        licences.GUTENBERG,
        pause_seconds=GUTENBERG_PAUSE_SECONDS,
    )


def _stories(part: str) -> Source:
    return Source(
        f"tinystories/{part}",
        "url",
        f"{HUGGING_FACE}/datasets/roneneldan/TinyStories/resolve/main/TinyStoriesV2-GPT4-{part}.txt",
        f"TinyStories, {part}",
        "CDLA-Sharing-1.0",
        separator="<|endoftext|>",
    )


LOVECRAFT = {
    "The Call of Cthulhu": 68283,
    "The Dunwich Horror": 50133,
    "The Shunned House": 31469,
    "At the Mountains of Madness": 70652,
    "The Shadow over Innsmouth": 73181,
    "The Colour out of Space": 68236,
    "The Curse of Yig": 70912,
}

CATALOGUE: dict[str, tuple[Source, ...]] = {
    "python-docs": (
        Source(
            "python-docs",
            "embedded",
            python_docs.address(),
            python_docs.title(),
            python_docs.LICENCE,
            format="jsonl",
        ),
    ),
    "tiny-shakespeare": (
        Source(
            "tiny-shakespeare",
            "url",
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            "Tiny Shakespeare",
            "public domain",
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        ),
    ),
    "king-james-bible": (_book("king-james-bible", "The King James Bible", 10),),
    "lovecraft": tuple(
        _book(f"lovecraft/{title.lower().replace(' ', '-')}", title, number) for title, number in LOVECRAFT.items()
    ),
    "tinystories": (_stories("train"), _stories("valid")),
}


@dataclass(frozen=True)
class Corpus:
    """All sources of a request, and what the user should know about how its words were read."""

    sources: tuple[Source, ...]
    notes: tuple[str, ...] = ()


def resolve(words: Sequence[str], root: Path | None = None) -> Corpus:
    """Turn catalogue names, addresses and paths into sources; several words make one corpus.

    Relative paths start at the current directory; what Slowburn itself wrote below `root` is left out. Raises
    BadInput for a word that is none of these, and for a file that is no text.
    """
    check_words(words)
    notes, root = list[str](), root or Store.default().root
    named = [path for word in words if not addresses.is_url(word) and (path := _expand(word)) and path.is_dir()]
    sources = {source.address: source for word in words for source in _resolve_word(word, named, root, notes)}
    return Corpus(tuple(sources.values()), tuple(notes))


def check_words(words: Sequence[str]) -> None:
    """Raise BadInput for no word, and for one that is no name, path or address; nothing is read."""
    if not words:
        raise BadInput(f"no corpus was given: name one of {', '.join(CATALOGUE)}, a path or an address")
    for word in words:
        if is_remote(word):
            check_address(word)
        elif addresses.is_url(word):
            addresses.check_url(word)
        elif word not in CATALOGUE and not _expand(word):
            raise BadInput(_unknown(word))


def _resolve_word(word: str, named: Sequence[Path], root: Path, notes: list[str]) -> tuple[Source, ...]:
    if is_remote(word):
        shown = addresses.shown(word)
        return (Source(printable(shown.partition("://")[2].rstrip("/")), "place", word, shown),)
    if addresses.is_url(word):
        shown = addresses.shown(word)
        return (Source(printable(shown.partition("://")[2].rstrip("/")), "url", word, shown),)
    path = _expand(word)
    if path:
        if word in CATALOGUE:
            notes.append(f"{word} is a path here as well as a corpus of the catalogue: the path is used")
        return tuple(_folder(path, named, root, notes)) if path.is_dir() else (_file(path),)
    return CATALOGUE[word]


def _expand(word: str) -> Path | None:
    """Return the path that a word names, if there is something."""
    try:
        path = Path(word).expanduser()
        return path if word and path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, with a NUL inside, or of a user that is not known
        return None


def _unknown(word: str) -> str:
    shown = printable(word[:80])
    if os.sep in word or Path(word).suffix:
        return f"there is no file or folder {shown} (paths start at {Path.cwd()})"
    near = difflib.get_close_matches(word.lower(), CATALOGUE, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the catalogue has {', '.join(CATALOGUE)}."
    return f"unknown corpus {shown}: {hint} A path or an address will do as well"


def _file(path: Path) -> Source:
    if not path.is_file():
        raise BadInput(f"{path} is neither a file nor a folder")
    if path.name == SETTINGS_FILE:
        raise BadInput(f"{path} holds settings of Slowburn, no text: rename it where it is a text of yours")
    if (kind := _kind(path)) not in READABLE:
        raise BadInput(
            f"{path} is no text but looks like {kind}: give text, pages, tables, documents or archives of these"
        )
    return _local(path, path.name)


def _folder(folder: Path, named: Sequence[Path], root: Path, notes: list[str]) -> Iterator[Source]:
    """Every file below a folder that can be read, in the order of their names; what is left out is told in a note."""
    walk = FolderFiles(folder, named, root)
    top, found = walk.folder, 0
    for path in sorted(walk.files()):
        if (kind := _kind(path)) in READABLE:
            found += 1
            yield _local(path, f"{top.name}/{path.relative_to(top).as_posix()}")
        else:
            walk.left_out.append((path, kind))
    left_out = sorted(f"{printable(path.relative_to(top).as_posix())}: {printable(why)}" for path, why in walk.left_out)
    shown = printable(str(folder))
    names = ", ".join(left_out[:MAX_NAMED]) + (", …" if len(left_out) > MAX_NAMED else "")
    if not found:
        raise BadInput(f"there is no text file in {shown}" + (f" ({len(left_out)} left out: {names})" if names else ""))
    if left_out:
        notes.append(f"{shown}: skipped {len(left_out)} files and folders that hold no text ({names})")


def _kind(path: Path) -> FileKind:
    try:
        with path.open("rb") as stream:
            return file_kind(stream.read(HEAD_BYTES))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None


def _local(path: Path, name: str) -> Source:
    return Source(printable(name), "file", check_utf8(str(path.resolve())), printable(name))
