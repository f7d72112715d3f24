"""Derives `lm/clean/letter_pairs.txt`, by which encodings are told apart, from texts in many languages.

`python -m benchmarks.derive_letter_pairs FOLDER [FOLDER …]`: each folder holds `<language>.txt` files in UTF-8, as
`benchmarks/encoding_texts.py` makes them.
"""

import argparse
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.encoding_texts import windows_vietnamese
from lm.clean.encoding_detection import SINGLE_BYTE
from lm.clean.letter_costs import CJK_LANGUAGES, HALF_BITS, MAX_COST, TABLES, Language, lower_letter
from lm.clean.letter_symbols import CLASSES, script

CJK_SCRIPTS = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "IDEOGRAPHIC"})
CJK_SIGNS = "，「」！？：；（）"  # noqa: RUF001
MAX_CHARACTERS = 1_000_000  # of a language: more does not change the costs
MIN_LETTER_SHARE = 0.00005
MAX_LETTERS, LISTED = 64, {"zh_CN": 2000, "zh_TW": 2000, "ja": 1500, "ko": 1000}
SMOOTHING = 0.3


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    folders = parser.parse_args().folders
    lines = list[str]()
    for code in dict.fromkeys(code for codes, _ in SINGLE_BYTE.values() for code in codes):
        lines += alphabetic_block(code, read(folders, code))
    for code in CJK_LANGUAGES:
        counted = Counter(c for c in read(folders, code) if script(c) in CJK_SCRIPTS or c in CJK_SIGNS)
        lines.append(f"{code} {''.join(c for c, _ in counted.most_common(LISTED[code]))}")
    TABLES.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(folders: list[Path], code: str) -> str:
    """All texts of a language, as much of each folder as of the others."""
    found = [path.read_text(encoding="utf-8") for folder in folders if (path := folder / f"{code}.txt").exists()]
    text = "\n".join(text[: MAX_CHARACTERS // len(found)] for text in found)
    text = unicodedata.normalize("NFC", text)
    if code == "ro":  # before 2007 there were only letters with a cedilla
        return text + text.translate(str.maketrans("șțȘȚ", "şţŞŢ"))
    if code == "vi":
        return windows_vietnamese(text, composed=True) + "\n" + windows_vietnamese(text, composed=False)
    return text


def alphabetic_block(code: str, text: str) -> list[str]:
    """The lines of a language: its letters, then a row for each symbol."""
    lowered = "".join(map(lower_letter, text))
    counted = Counter(c for c in lowered if unicodedata.category(c)[0] in "LM")
    main_script = Counter(script(c) for c in counted.elements() if not c.isascii() or code == "en").most_common(1)[0][0]
    wanted = {main_script, "COMBINING"} if code in ("vi", "he") else {main_script}
    if main_script == "LATIN":
        counted.update(dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 10**6))
    least = MIN_LETTER_SHARE * sum(1 for c in lowered if c.isalpha())
    chosen = [c for c, n in counted.most_common(MAX_LETTERS) if n >= least and script(c) in wanted]
    letters = "".join(sorted(chosen))
    language = Language(code, letters, frozenset(wanted), np.zeros((0, 0), np.float32))
    numbers = {c: language.symbol(c) for c in set(text)}
    symbols = np.array([numbers[c] for c in text])
    size = CLASSES + len(letters)
    counts = np.bincount(symbols[:-1] * size + symbols[1:], minlength=size * size).reshape(size, size).astype(float)
    share = (counts.sum(axis=0) + 1) / (counts.sum() + size)
    counts += SMOOTHING * size * share
    bits = -np.log2(counts / counts.sum(axis=1, keepdims=True))
    digits = np.minimum(np.round(bits * HALF_BITS), MAX_COST).astype(int)
    return [f"{code} {letters}", *("".join("0123456789abcdefghijklmnopqrstuvwxyz"[d] for d in row) for row in digits)]


if __name__ == "__main__":
    main()
