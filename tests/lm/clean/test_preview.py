"""A look at files before they are cleaned says what cleaning will say, and how much text there is."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lm.clean.config import CleanConfig
from lm.clean.preview import MAX_BYTES, preview_files
from lm.clean.preview_result import FilePreview
from lm.clean.stage import clean
from lm.planning.corpus_preview import chosen_files, previewed
from lm.progress import silent
from lm.text.raw_sources import RawSource, read_sources
from tests.lm.clean.readers.made_files import docx, pdf, zipped
from tests.lm.clean.readers.sentences import sentence
from tests.lm.clean.test_clean import raw_artifact

SENTENCES = [sentence(n) for n in range(500)]
LINES = 100_000
TABLE = "id,body,day\n" + "".join(f'{n},"{sentence(n)}",2020-01-01\n' for n in range(40))
CHAT = json.dumps({"messages": [{"role": "user", "content": sentence(n + 200)} for n in range(40)]})


def sources_of(raw: Path) -> list[RawSource]:
    """As a plan lists them."""
    return [source.model_copy(update={"path": str(raw / source.path)}) for source in read_sources(raw)]


def looks_at(raw: Path, seconds: float = 60.0) -> list[FilePreview]:
    return list(preview_files(chosen_files(sources_of(raw)), CleanConfig(), seconds, []))


def test_a_look_says_what_cleaning_says(tmp_path: Path) -> None:
    """Of each kind of file: how it is read, what is left out or not read, how it begins, how much text it holds."""
    files = {
        "export.csv": TABLE.encode(),
        "chat.json": CHAT.encode(),
        "more.zip": zipped(
            {"b/export.csv": TABLE.replace(",2020", " twice,2020").replace("told", "asked"), "a.txt": sentence(91) * 9}
        ),
        "a.docx": docx("".join(f"<w:p><w:r><w:t>{sentence(n)}</w:t></w:r></w:p>" for n in range(60, 69))),
        "a.pdf": pdf([[sentence(n)] for n in range(50, 53)]),
        "page.html": f"<html><body><p>{sentence(75)}</p></body></html>".encode(),
        "prices.csv": b"id,price\n" + b"".join(f"{n},{n * 3.5}\n".encode() for n in range(50)),
        "plain.txt": (sentence(92) * 9).encode(),
    }
    raw = raw_artifact(tmp_path / "raw", files)
    looked = looks_at(raw)
    preview, size = previewed(sources_of(raw), looked)
    (tmp_path / "out").mkdir()
    cleaned = clean(raw, CleanConfig(near_duplicates="ignore"), tmp_path / "out", silent)
    told = {reading.sentence for reading in preview.readings}
    assert {reading.sentence for reading in cleaned.readings} <= told
    assert {"plain.txt: text, 1 document", "page.html: web page, 1 document"} <= told
    assert list(preview.skipped) == list(cleaned.skipped)
    assert size.bytes == cleaned.text_bytes
    assert preview.whole and preview.looked_at == preview.files == len(files)
    assert {opening.opening for opening in cleaned.openings} & {opening.opening for opening in preview.openings}


@pytest.mark.parametrize(
    ("name", "line", "end"),
    [
        ("export.csv", lambda n: f'{n},"{SENTENCES[n % 500]}",2020-01-01\n', ""),
        ("rows.jsonl", lambda n: json.dumps({"id": n, "text": SENTENCES[n % 500]}) + "\n", ""),
        ("chat.json", lambda n: f'{", " * (n > 0)}{{"role": "user", "content": "{SENTENCES[n % 500]}"}}', "]}"),
        ("book.txt", lambda n: SENTENCES[n % 500] + "\n", ""),
    ],
)
def test_of_a_large_file_the_beginning_tells(tmp_path: Path, name: str, line: Callable[[int], str], end: str) -> None:
    """Rows and text of all of it are estimated from its first two megabytes, within a tenth."""
    beginnings = {"export.csv": "id,body,day\n", "chat.json": '{"title": "x", "messages": ['}
    lines = [line(n) for n in range(LINES)]
    content = beginnings.get(name, "") + "".join(lines) + end
    assert len(content) > 2.5 * MAX_BYTES
    raw = raw_artifact(tmp_path / "raw", {name: content.encode()})
    (look,) = looks_at(raw)
    text = sum(len(SENTENCES[n % 500]) for n in range(LINES)) + (len("user: \n") * LINES if name == "chat.json" else 0)
    assert look.text_bytes == pytest.approx(text, rel=0.1)
    assert not look.whole and not look.skipped
    if name != "book.txt":
        assert ", about " in look.readings[0].sentence
        assert look.readings[0].amount == pytest.approx(LINES, rel=0.1)


def test_a_look_ends_in_time(tmp_path: Path) -> None:
    """Whatever there is: of each kind of file one comes before a second of any, and what was not looked at counts."""
    page = f"<html><body>{'<p>' + sentence(3) + '</p>'}</body></html>".encode() * 200
    files = {f"{n:03}.html": page + b" " * n for n in range(200)} | {
        "a.txt": b"A word or two.\n" * 9,
        "b.csv": TABLE.encode(),
    }
    raw = raw_artifact(tmp_path / "raw", files)
    began = time.monotonic()
    looked = looks_at(raw, 0.4)
    assert time.monotonic() - began < 4
    preview, size = previewed(sources_of(raw), looked)
    assert len(looked) <= 60 and {look.name.rpartition(".")[2] for look in looked} == {"html", "txt", "csv"}
    assert preview.files == 202
    assert size.bytes > 50 * looked[0].text_bytes


def test_one_character_is_never_cut_in_two(tmp_path: Path) -> None:
    """A file of one line in UTF-8 stays UTF-8 when its beginning is looked at."""
    raw = raw_artifact(tmp_path / "raw", {"a.txt": ("语言" * 600_000).encode()})
    (look,) = looks_at(raw)
    assert look.readings[0].sentence == "a.txt: text, 1 document"
    assert "\ufffd" not in look.openings[0].opening
    assert look.text_bytes == pytest.approx(3_600_000, rel=0.01)
