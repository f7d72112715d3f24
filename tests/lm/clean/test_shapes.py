"""Text of any script and shape: kept as it is, or dropped with a line that names the filter and what lets it in."""

import random
from pathlib import Path

import pytest

from lm.clean.config import CleanConfig
from lm.clean.stage import clean
from lm.errors import BadInput
from lm.progress import silent
from lm.text.documents import read_documents
from tests.lm.clean.test_clean import raw_artifact

CHOSEN = random.Random(1)


def of(pieces: str, length: int = 900) -> str:
    return "".join(CHOSEN.choices(pieces, k=length))


def lines(width: int, pieces: str, count: int = 14) -> str:
    return "".join(of(pieces, width) + "\n" for _ in range(count))


SHAPES = {
    "Chinese": of("的一是不了人我在有他这中大来上国个到说们", 600) + "。",
    "Japanese": of("あいうえおかきくけこ漢字仮名交文", 600) + "。",
    "Thai": of("กขคงจฉชซญดตถทนบปผพฟมยรลวสหอ", 600),
    "Arabic": of("ابتثجحخدذرزسشصضطظعغفقكلمنهوي ", 600),
    "Hebrew": of("אבגדהוזחטיכלמנסעפצקרשת ", 600),
    "Hindi": of("अआइईउऊएकखगघचछजझटठडढतथदधनपफबभमयरलवशषसह ", 600),
    "emoji": of("😀😁😂🤣😃😄😅😆😉😊🙂🙃😋😎😍", 600),
    "a poem with indentation": "".join(
        " " * CHOSEN.randrange(12) + "the sea " + of("abc ", 20) + "\n" for _ in range(30)
    ),
    "DNA": of("ACGT", 3000),
    "chess": "".join(f"{n}. {of('abcdefgh', 1)}{n % 8 + 1} N{of('abcdefgh', 1)}{n % 7 + 1} " for n in range(150)),
    "ABC music": "X:1\nT:A reel\nM:4/4\nK:G\n" + lines(40, "ABcdefg|:2'"),
    "guitar tabs": "".join(f"{string}|--{of('-----------0235', 50)}|\n" for _ in range(4) for string in "eBGDAE"),
    "a game's level": lines(160, "-" * 92 + "XXXXXE?S", 14),
}


def test_text_of_every_script_and_shape_is_kept(tmp_path: Path) -> None:
    """To the letter: nothing is dropped, no space and no line end is lost."""
    files = {f"{number}.txt": text.encode() for number, text in enumerate(SHAPES.values())}
    (tmp_path / "out").mkdir()
    metrics = clean(raw_artifact(tmp_path / "raw", files), CleanConfig(), tmp_path / "out", silent)
    assert metrics.rejected == {}
    kept = dict.fromkeys(files, "")
    for document in read_documents(tmp_path / "out"):  # the parts of one that is cut come in their order
        kept[document.source] += document.text
    assert kept == {name: content.decode() for name, content in files.items()}
    assert metrics.openings[0].opening in "".join(SHAPES.values())


@pytest.mark.parametrize(
    ("setting", "text", "reason"),
    [
        ("clean.maximum_symbols=1", "-=" * 2000 + "x", "mostly symbols"),
        ("clean.maximum_repeated=1", "again and again and again and " * 4000, "repeats itself"),
        ("clean.minimum_words=0", "-- \n" * 2000, "too few words"),
    ],
)
def test_what_a_filter_drops_is_told_with_what_lets_it_in(tmp_path: Path, setting: str, text: str, reason: str) -> None:
    """As a note beside other text; as the error where nothing else is there."""
    for name in ("out", "alone"):
        (tmp_path / name).mkdir()
    prose = {f"{n}.txt": f"{n}: {of('abcdefgh ', 3000)}".encode() for n in range(3)}
    raw = raw_artifact(tmp_path / "raw", prose | {"odd.txt": text.encode()})
    (note,) = [note for note in clean(raw, CleanConfig(), tmp_path / "out", silent).warnings if reason in note]
    assert "1 documents were dropped" in note and f"--set {setting} keeps them" in note
    with pytest.raises(BadInput, match=rf"no text in this corpus \(1 {reason}\): keep it with --set {setting}$"):
        clean(raw_artifact(tmp_path / "only", {"odd.txt": text.encode()}), CleanConfig(), tmp_path / "alone", silent)
