"""Which detector finds the encoding of a text: encoding by language by size, the decoded text equal to the original.

`make bench-encodings ARGS="FOLDER"`, where FOLDER holds the texts of `python -m benchmarks.encoding_texts FOLDER`. A
cell is three sets of texts (fewer where a language has not so many): it holds where all are read right. PyICU is
compared where it is installed.
"""

import argparse
import codecs
import importlib
import statistics
import tempfile
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.encoding_texts import can_encode, windows_vietnamese
from lm.clean.decoding import find_encoding
from lm.clean.encoding_detection import Detected

ASKED = (
    "tr cp1254, pl iso8859-2, pl cp1250, hu cp1250, ru koi8-r, ru cp1251, ja shift_jis, ja euc_jp, zh_CN gb18030, "
    "zh_TW big5, ko euc_kr, ar cp1256, he cp1255, el cp1253, el iso8859-7, vi cp1258, ru utf-16-le, ru utf-16-be, "
    "zh_CN utf-16-le, zh_CN utf-16-be, ja utf-16-le, ja utf-16-be, ko utf-16-le, ko utf-16-be, ar utf-16-le, "
    "ar utf-16-be, pl utf-16-le, pl utf-16-be"
)
OTHERS = (
    "de cp1252, fr cp1252, es cp1252, it cp1252, pt cp1252, nl cp1252, sv cp1252, da cp1252, nb cp1252, fi cp1252, "
    "is cp1252, fr iso8859-15, de mac-roman, fr mac-roman, de cp850, cs cp1250, cs iso8859-2, hu iso8859-2, sk cp1250, "
    "hr cp1250, sl cp1250, pl cp852, uk cp1251, uk koi8-u, bg cp1251, sr cp1251, mk cp1251, be cp1251, ru cp866, "
    "ru iso8859-5, lt cp1257, lv cp1257, et cp1257, fa cp1256, th cp874, zh_TW gb18030, en utf-8, fr utf-8-sig"
)
SETS = ("manuals", "menus", "stories")  # of the last none was looked at while the rules were made
SIZES = (2_000, 20_000, 200_000)
MIN_BEYOND_ASCII = 3  # characters: a text of fewer says nothing of its encoding


Row = tuple[str, str, int, str]  # language, encoding, size, set


class Case(NamedTuple):
    """A text in an encoding."""

    language: str
    encoding: str
    size: int
    set: str
    text: str
    content: bytes


def main() -> None:
    """Print the table, the sums and the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", help="detectors to compare; none: all that are installed")
    arguments = parser.parse_args()
    detectors = {name: found for name, found in all_detectors() if not arguments.only or name in arguments.only}
    right, totals = defaultdict[Row, Counter[str]](Counter), Counter[Row]()
    seconds = defaultdict[str, list[float]](list)
    thin = Counter[tuple[bool, bool]]()
    for case in cases(arguments.folder):
        row = (case.language, case.encoding, case.size, case.set)
        totals[row] += 1
        for name, detect in detectors.items():
            started = time.perf_counter()
            found = detect(case.content)
            if case.size == SIZES[-1]:
                seconds[name].append(time.perf_counter() - started)
            right[row][name] += decodes_to(case, found)
        guess = on_disk(case.content)
        thin[decodes_to(case, guess.encoding), bool(guess.alternative)] += 1
    show(detectors, right, totals)
    for name, times in seconds.items():
        median, most = (1000 * value for value in (statistics.median(times), max(times)))
        print(f"{name}: {median:.0f} ms for {SIZES[-1] // 1000} kB, {most:.0f} at most")
    for (is_right, is_thin), count in sorted(thin.items()):
        print(f"{'right' if is_right else 'wrong'} and {'told as a guess' if is_thin else 'not told'}: {count}")


def cases(folder: Path) -> Iterator[Case]:
    """All texts: of each set one of each size."""
    for pair in f"{ASKED}, {OTHERS}".split(", "):
        language, encoding = pair.split()
        for name in SETS:
            path = folder / name / f"{language}.txt"
            if not path.exists():
                continue
            text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
            if encoding == "cp1258":
                text = windows_vietnamese(text, composed=name != "stories")
            unknown = {ord(character): None for character in set(text) if not can_encode(character, encoding)}
            text = text.translate(unknown)
            for size in SIZES:
                if found := cut(text, encoding, size):
                    yield Case(language, encoding, size, name, found, found.encode(encoding))


def cut(text: str, encoding: str, size: int) -> str:
    """A text from the middle of a longer one that has so many bytes; "" where it is too short or all ASCII."""
    middle = text[len(text) // 3 if len(text.encode(encoding)) > 2 * size else 0 :]
    content = middle.encode(encoding)
    if len(content) < size:
        return ""
    found = codecs.getincrementaldecoder(encoding)().decode(content[:size])
    return found if sum(not character.isascii() for character in found) >= MIN_BEYOND_ASCII else ""


def decodes_to(case: Case, encoding: str | None) -> bool:
    """Whether a text comes out as it was."""
    try:
        return case.content.decode(encoding or "ascii", "replace") == case.text
    except LookupError:
        return False


def on_disk(content: bytes) -> Detected:
    """What Slowburn finds of a file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return find_encoding(Path(file.name))


def all_detectors() -> Iterator[tuple[str, Callable[[bytes], str | None]]]:
    """Each detector that is installed."""
    yield "Slowburn", lambda content: on_disk(content).encoding
    if library := installed("charset_normalizer"):
        yield "charset-normalizer", lambda content: best(library.from_bytes(content).best())
    if chardet := installed("chardet"):
        yield "chardet", lambda content: chardet.detect(content)["encoding"]
    if cchardet := installed("cchardet"):
        yield "faust-cchardet", lambda content: cchardet.detect(content)["encoding"]
    if icu := installed("icu"):
        yield "ICU", lambda content: icu.CharsetDetector(content).detect().getName()


def best(match: Any) -> str | None:
    """The encoding of a match of charset-normalizer."""
    return match.encoding if match else None


def installed(name: str) -> Any:
    """A module, None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def show(detectors: Iterable[str], right: dict[Row, Counter[str]], totals: Counter[Row]) -> None:
    """Print a row for each cell, then how many hold."""
    names = list(detectors)
    print(f"| language | encoding | size | {' | '.join(names)} |\n|---|---|---:|{'---|' * len(names)}")
    cells = defaultdict[tuple[str, str, int], list[Row]](list)
    for row in totals:
        cells[row[:3]].append(row)
    for (language, encoding, size), rows in cells.items():
        found = (f"{sum(right[row][name] for row in rows)}/{len(rows)}" for name in names)
        print(f"| {language} | {encoding} | {size // 1000} kB | {' | '.join(found)} |")
    for group, pairs in (("asked", ASKED), ("others", OTHERS)):
        of_group = [rows for cell, rows in cells.items() if f"{cell[0]} {cell[1]}" in pairs.split(", ")]
        kept = [rows for cell in of_group if (rows := [row for row in cell if row[3] == SETS[-1]])]
        for name in names:
            told = [f"{told_share(name, right, part)}" for part in (of_group, kept)]
            print(f"{name}, {group}: {told[0]}; of the stories alone: {told[1]}")


def told_share(name: str, right: dict[Row, Counter[str]], cells: list[list[Row]]) -> str:
    """How many cells hold."""
    holds = sum(all(right[row][name] for row in rows) for rows in cells)
    return f"{holds} of {len(cells)} cells ({holds / len(cells):.1%})"


if __name__ == "__main__":
    main()
