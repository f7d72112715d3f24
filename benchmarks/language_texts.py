"""Texts of many kinds, about two megabytes each: help pages in four languages, menus, code, a chat, DNA.

`python -m benchmarks.language_texts FOLDER` downloads 14 MB with `apt-get` (Debian, Ubuntu) and writes a file or folder
for each. The code is that of the interpreter's standard library; chat and DNA are made, always the same.
"""

import argparse
import html
import json
import random
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.encoding_texts import files, messages

MAX_BYTES = 2_000_000
HELP = {"english": "en-us", "german": "de", "chinese": "zh-cn", "hindi": "hi"}
MENUS = {"arabic": "ar"}
SPEAKERS = ("Ann", "Bob", "Priya", "Yusuf")
_PARAGRAPH = re.compile(r"<(?:p|h\d)\b[^>]*>(.*?)</(?:p|h\d)>", re.S)
_TAG = re.compile(r"<[^>]*>")
_SENTENCE_END = re.compile(r"(?<=[.!?]) ")


def write_texts(folder: Path, names: list[str]) -> dict[str, Path]:
    """Write the texts of these names that are not there yet, and return where each is."""
    paths = {name: folder / f"{name}{'.jsonl' if name == 'code' else '.txt'}" for name in names}
    for name, path in paths.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            text = MAKERS[name](folder)
            path.write_text(text, encoding="utf-8")
    return paths


def _debian(folder: Path, package: str) -> Iterator[tuple[str, bytes]]:
    packages = folder / "packages"
    packages.mkdir(exist_ok=True)
    if not list(packages.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", "-q", package], cwd=packages, check=True)
    (path,) = packages.glob(f"{package}_*.deb")
    yield from sorted(files(path))


def _help(folder: Path, language: str) -> str:
    """Help pages, apart by a marker; a paragraph that stood in an earlier page is left out."""
    pages, seen, size = list[str](), set[str](), 0
    for name, content in _debian(folder, f"libreoffice-help-{language}"):
        if not name.endswith(".html") or "/text/" not in name:
            continue
        found = (" ".join(html.unescape(_TAG.sub("", part)).split()) for part in _PARAGRAPH.findall(content.decode()))
        lines = [line for line in found if len(line) > 1 and line not in seen]
        seen.update(lines)
        if lines:
            pages.append("\n".join(lines))
            size += len(pages[-1].encode())
        if size > MAX_BYTES:
            break
    return "\n<|endoftext|>\n".join(pages)


def _menus(folder: Path, language: str) -> str:
    catalogues = [content for name, content in _debian(folder, f"libreoffice-l10n-{language}") if name.endswith(".mo")]
    found = "\n".join(map(messages, catalogues)).split("\n")
    return _cut("\n".join(dict.fromkeys(found)))


def _code(folder: Path) -> str:
    """Modules of the standard library, as JSON lines."""
    library, rows, size = Path(sysconfig.get_path("stdlib")), list[str](), 0
    for path in sorted(library.glob("*.py")) + sorted(library.glob("[a-k]*/*.py")):
        rows.append(json.dumps({"text": path.read_text(encoding="utf-8", errors="replace")}))
        size += len(rows[-1])
        if size > MAX_BYTES:
            break
    return "\n".join(rows) + "\n"


def _chat(folder: Path) -> str:
    """A chat of four people as WhatsApp exports it, who say sentences of the English help pages."""
    generator, lines, size = random.Random(1), list[str](), 0
    sentences = [
        sentence
        for line in write_texts(folder, ["english"])["english"].read_text(encoding="utf-8").split("\n")
        for sentence in _SENTENCE_END.split(line)
        if 20 < len(sentence) < 200
    ]
    generator.shuffle(sentences)
    for number, sentence in enumerate(sentences):
        day, minute = divmod(number * 7, 1440)
        time = f"{day % 28 + 1:02}/{day // 28 % 12 + 1:02}/20{20 + day // 336:02}, {minute // 60:02}:{minute % 60:02}"
        lines.append(f"{time} - {generator.choice(SPEAKERS)}: {sentence}")
        size += len(lines[-1])
        if size > MAX_BYTES:
            break
    return "\n".join(lines) + "\n"


def _dna(_: Path) -> str:
    """One line of a genome in which each stretch is new, or an earlier one with changes."""
    generator = random.Random(2)
    genome = "".join(generator.choices("ACGT", k=2000))
    while len(genome) < MAX_BYTES:
        if generator.random() < 0.5:
            start = generator.randrange(len(genome) - 500)
            kept = (base if generator.random() < 0.9 else generator.choice("ACGT") for base in genome[start:][:500])
            genome += "".join(kept)
        else:
            genome += "".join(generator.choices("ACGT", weights=(3, 2, 2, 3), k=500))
    return genome


def _cut(text: str) -> str:
    return text.encode()[:MAX_BYTES].decode("utf-8", "ignore").rpartition("\n")[0] + "\n"


MAKERS: dict[str, Callable[[Path], str]] = {
    **{name: lambda folder, code=code: _help(folder, code) for name, code in HELP.items()},  # type: ignore[misc]
    **{name: lambda folder, code=code: _menus(folder, code) for name, code in MENUS.items()},  # type: ignore[misc]
    "code": _code,
    "chat": _chat,
    "dna": _dna,
}


def main() -> None:
    """Write all texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, path in write_texts(parser.parse_args().folder, list(MAKERS)).items():
        print(f"{name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
