"""Cleaning: what becomes of odd bytes, of Project Gutenberg's wrapping, and which side of the split a text lands on."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lm.clean.config import CleanConfig
from lm.clean.decoding import find_encoding
from lm.clean.document_writer import Sided
from lm.clean.document_writer import write_documents as write_tables
from lm.clean.gutenberg import strip_gutenberg
from lm.clean.repair import drop_control_characters
from lm.clean.stage import clean
from lm.errors import BadInput, SlowburnError
from lm.progress import silent
from lm.text.documents import FILE_NAME, Document, read_documents
from tests.lm.documents import sided, write_documents

PROSE = "The sea was calm that night, and the lamps of the harbour burned low. " * 40  # 2,800 characters


def raw_artifact(folder: Path, files: dict[str, bytes], **fields: Any) -> Path:
    """Write a raw artifact as the download stage does."""
    folder.mkdir(exist_ok=True)
    sources = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        source = {
            "name": name,
            "title": name,
            "address": f"/somewhere/{name}",
            "licence": "not stated",
            "path": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "format": "text",
            "separator": None,
        }
        sources.append(source | fields)
    (folder / "sources.json").write_text(json.dumps({"schema_version": 1, "sources": sources}))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def texts(out: Path) -> dict[str, list[str]]:
    return {split: [d.text for d in read_documents(out, split)] for split in ("train", "heldout")}


def test_one_document_is_cut_where_the_peers_cut_it(tmp_path: Path, out: Path) -> None:
    """A corpus of one document trains on its first int(0.9 * n) characters; the rest, to the letter, is held out."""
    text = "".join(f"{number}: {PROSE}\n" for number in range(40))
    metrics = clean(raw_artifact(tmp_path / "raw", {"a.txt": text.encode()}), CleanConfig(), out, silent)
    cut = int(0.9 * len(text))
    assert texts(out) == {"train": [text[:cut]], "heldout": [text[cut:]]}
    assert metrics.split == "contiguous"
    assert (metrics.train_characters, metrics.heldout_characters) == (cut, len(text) - cut)
    assert len({document.document_id for document in read_documents(out)}) == 1


def test_the_same_text_gives_the_same_bytes(tmp_path: Path) -> None:
    """Cleaning twice writes the same file, byte for byte."""
    raw = raw_artifact(tmp_path / "raw", {f"{n}.txt": f"{n} {PROSE}".encode() for n in range(20)})
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        clean(raw, CleanConfig(), tmp_path / name, silent)
        written.append((tmp_path / name / FILE_NAME).read_bytes())
    assert written[0] == written[1]


def test_empty_and_repeated_documents_are_dropped_and_counted(tmp_path: Path, out: Path) -> None:
    """Of equal documents one stays; empty ones and lines that hold no text are counted, never silently lost."""
    rows = [{"document": f"d{n}", "text": f"{n} {PROSE}"} for n in range(24)]
    lines = [json.dumps(row) for row in [*rows, *rows[:3], {"text": " \n"}]] + ["{broken", '{"text": 7}', "[]", ""]
    raw = raw_artifact(tmp_path / "raw", {"a.jsonl": "\n".join(lines).encode()}, format="jsonl")
    metrics = clean(raw, CleanConfig(near_duplicates="ignore"), out, silent)
    assert sorted(d.title for d in read_documents(out)) == sorted(row["document"] for row in rows)
    assert (metrics.dropped_duplicates, metrics.dropped_empty, metrics.rejects) == (3, 1, 3)
    assert metrics.train_documents + metrics.heldout_documents == 24


def test_a_separator_line_ends_a_document(tmp_path: Path, out: Path) -> None:
    """A file of many stories gives as many documents, in both line-end conventions."""
    stories = [f"Story {n}.\n{PROSE}" for n in range(30)]
    content = "\n<|endoftext|>\n".join(stories).replace("\n", "\r\n").encode()
    raw = raw_artifact(tmp_path / "raw", {"a.txt": content}, separator="<|endoftext|>")
    clean(raw, CleanConfig(near_duplicates="ignore"), out, silent)
    assert sorted(d.text for d in read_documents(out)) == sorted(stories)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.txt": b"one\ntwo\nthree\n"}, "at least 5,000 are needed"),
        ({"a.txt": PROSE.encode()}, "2,800 characters"),
        ({"a.txt": b" \n\n"}, "no text in this corpus (1 empty)"),
        ({}, "no text in this corpus (no files)"),
    ],
)
def test_too_little_text_is_refused_in_one_line(tmp_path: Path, out: Path, files: dict[str, bytes], words: str) -> None:
    """A corpus of three lines is refused with what there is and what is needed."""
    with pytest.raises(BadInput) as refusal:
        clean(raw_artifact(tmp_path / "raw", files), CleanConfig(), out, silent)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


FRENCH = "Où êtes-vous allée, à Noël ? demanda-t-il. Il a mangé près de la fenêtre.\n" * 3
ENGLISH = "It was late.\n" * 200 + "“I do not know…” he said — and left the café.\n" + "It was later.\n" * 200
ENCODINGS = {
    "ascii": ("Plain words.\n", "ascii"),
    "utf-8": (ENGLISH, "utf-8"),
    "utf-8 with a mark": (ENGLISH, "utf-8-sig"),
    "utf-16 little-endian": (ENGLISH, "utf-16"),
    "utf-32": (ENGLISH, "utf-32"),
    "latin-1": (FRENCH, "latin-1"),
    "one accent in ten thousand": ("A plain line.\n" * 800 + "He was naïve.\n", "latin-1"),
    "Windows quotes": (ENGLISH, "cp1252"),
    "Polish": ("Zażółć gęślą jaźń. Litwo! Ojczyzno moja! ty jesteś jak zdrowie.\n" * 20, "cp1250"),
    "Russian": ("Всё смешалось в доме Облонских. Жена узнала, что муж был в связи.\n" * 20, "cp1251"),
    "Japanese": ("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 20, "shift_jis"),
}


@pytest.mark.parametrize(("text", "encoding"), ENCODINGS.values(), ids=ENCODINGS)
def test_text_is_read_in_the_encoding_it_was_written_in(tmp_path: Path, text: str, encoding: str) -> None:
    """What was written is what is read, with or without a byte-order mark."""
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert path.read_text(encoding=find_encoding(path).encoding) == text


def test_damaged_utf8_stays_utf8(tmp_path: Path, out: Path) -> None:
    """A few broken bytes in UTF-8 do not turn every accent of the text into two wrong characters."""
    lines = [f"{n}: Il était une fois, près d'une forêt, un bûcheron.\n".encode() for n in range(300)]
    lines[7] = b"\xff\xfe broken \xe9\n"
    metrics = clean(raw_artifact(tmp_path / "raw", {"a.txt": b"".join(lines)}), CleanConfig(), out, silent)
    assert "près d'une forêt" in texts(out)["train"][0]
    assert metrics.replaced_characters == 3


@settings(deadline=None)
@given(st.text())
def test_only_characters_that_are_no_text_are_dropped(text: str) -> None:
    """Every printable character, tab and newline survives; what is left can be written as UTF-8."""
    kept, dropped = drop_control_characters(text)
    assert len(kept) + dropped == len(text)
    assert [c for c in text if c.isprintable() or c in "\t\n"] == [c for c in kept if c.isprintable() or c in "\t\n"]
    assert "\0" not in kept
    kept.encode()


BODY = "CHAPTER I\n\n1:1 In the beginning was the sea.\n\n  HAMLET. Words, words.\n\n*** A row of stars ***"
HEADER = "The Project Gutenberg eBook of A Book, by Nobody\n\nThis ebook is for the use of anyone anywhere.\n\n"
FIELDS = "Title: A Book\n\nAuthor: Nobody\n\nRelease Date: May, 1993 [EBook #1]\n\nLanguage: English\n\n"
START, END = "*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***", "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***"
LICENCE = (
    "\n\nUpdated editions will replace the previous one.\n\nSTART: FULL LICENSE\n\nTHE FULL PROJECT GUTENBERG LICENSE\n"
)
OLD_START, OLD_END = START.replace("THE PROJECT", "THIS PROJECT"), END.replace("THE PROJECT", "THIS PROJECT")
WRAPPINGS = {
    "today": (f"{HEADER}{FIELDS}{START}\n\n\n\n", f"\n\n\n{END}{LICENCE}"),
    "ten years ago": (
        f"{HEADER}{FIELDS}{OLD_START}\n\nProduced by Jane Doe and\nothers.\n\n\n",
        f"\n\nEnd of Project Gutenberg's A Book, by Nobody\n\n{OLD_END}{LICENCE}",
    ),
    "a title over two lines": (
        f"{HEADER}***START OF THE PROJECT GUTENBERG EBOOK A BOOK\nOF MANY WORDS***\n\n",
        "\n\n***END OF THE PROJECT GUTENBERG EBOOK A BOOK\nOF MANY WORDS***\n",
    ),
    "the nineties": (
        "**The Project Gutenberg Etext of A Book**\n\nPlease take a look at the important information.\n\n"
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n\n",
        "\n\nEnd of The Project Gutenberg Etext of A Book\n",
    ),
    "no stars": (f"{HEADER}{FIELDS}Character set encoding: ASCII\n\n", "\n\nEnd of Project Gutenberg's A Book\n"),
}


@pytest.mark.parametrize(("before", "after"), WRAPPINGS.values(), ids=WRAPPINGS)
def test_gutenbergs_wrapping_is_taken_off(before: str, after: str) -> None:
    """Each form of header and licence goes; verse numbers, speakers and other stars stay."""
    assert strip_gutenberg(before + BODY + after) == BODY


lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=40)


@settings(deadline=None)
@given(st.lists(lines, min_size=1).map("\n".join), st.sampled_from(list(WRAPPINGS.values())[:2]))
def test_any_book_survives_its_unwrapping(book: str, wrapping: tuple[str, str]) -> None:
    """Whatever the book says, it comes out whole, and what is no Gutenberg file stays as it is."""
    assume("gutenberg" not in book.lower() and "produced by" not in book.lower())
    before, after = wrapping
    assert strip_gutenberg(before + book + after).strip() == book.strip()
    assert strip_gutenberg(book) == book


def test_several_books_in_one_file_all_stay() -> None:
    """A file of concatenated books loses each one's wrapping."""
    before, after = WRAPPINGS["today"]
    assert strip_gutenberg(f"{before}One.{after}{before}Two.{after}") == "One.\n\nTwo."


@pytest.mark.parametrize("split", ["auto", "contiguous"])
def test_the_cap_is_kept_and_said(tmp_path: Path, split: str) -> None:
    """No more text is held out than the cap, the rest trains, and the user is told."""
    words = [f"Chapter {n} tells of storm {n * n} and of harbour {n * 7919 % 1000}. " * 30 for n in range(100)]
    raw = raw_artifact(tmp_path / "raw", {f"{n}.txt": text.encode() for n, text in enumerate(words)})
    out = tmp_path / "out"
    out.mkdir()
    config = CleanConfig(split=split, heldout_fraction=0.5, heldout_bytes=20_000, near_duplicates="ignore")
    metrics = clean(raw, config, out, silent)
    assert 10_000 < metrics.heldout_bytes <= 20_000
    assert metrics.train_bytes + metrics.heldout_bytes == sum(map(len, words))
    assert any("clean.heldout_bytes" in note for note in metrics.notes)


def test_documents_have_the_same_bytes_in_whatever_tables_they_come(tmp_path: Path) -> None:
    """How sources were grouped when they were cleaned leaves no trace: not even in the order of the row groups."""
    documents = [
        Document(
            str(n), f"a/{n % 3}", chr(97 + n % 26) * (1 + n * 2879 % 400_000), "heldout" if n % 3 == 0 else "train"
        )
        for n in range(90)
    ]
    written = set()
    for size in (1, 7, 90):
        tables = (sided(documents[start : start + size]) for start in range(0, len(documents), size))
        metrics = write_tables(tables, tmp_path)
        written.add(((tmp_path / FILE_NAME).read_bytes(), str(metrics)))
    assert len(written) == 1


def test_what_waits_to_be_written_is_all_that_is_kept(tmp_path: Path) -> None:
    """Of a large corpus one document in hundreds is held out: the others do not stay in memory beside it."""
    documents = [Document(str(n), "a", f"{n}" * 2_000, "heldout" if n == 250 else "train") for n in range(500)]
    table, heldout = sided(documents)
    before, most = pa.total_allocated_bytes(), 0

    def tables() -> Iterator[Sided]:
        nonlocal most
        for _ in range(40):
            yield table.take(list(range(len(table)))), heldout
            most = max(most, pa.total_allocated_bytes() - before)

    write_tables(tables(), tmp_path)
    assert most < 12 * 2**20


def test_a_row_group_holds_one_side_and_little_text(tmp_path: Path) -> None:
    """A reader of one side never needs more than a few megabytes of text at once."""
    documents = [
        Document(f"{n:016x}", "a", chr(97 + n % 26) * 500_000, "heldout" if n % 4 == 0 else "train") for n in range(40)
    ]
    write_documents(documents, tmp_path)
    file = pq.ParquetFile(tmp_path / FILE_NAME)
    for group in range(file.num_row_groups):
        rows = file.read_row_group(group).to_pydict()
        assert len(set(rows["split"])) == 1
        assert sum(map(len, rows["text"])) <= 4 * 2**20
    assert list(read_documents(tmp_path, "heldout")) == documents[::4]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_never_read_as_text(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """One wrong bit in any page of the file is an error that says so, or changes nothing; never other text."""
    folder = tmp_path_factory.mktemp("flip")
    documents = [Document(f"{n:016x}", "a", f"{n} {PROSE}", "train", f"title {n}") for n in range(5)]
    write_documents(documents, folder)
    content = bytearray((folder / FILE_NAME).read_bytes())
    footer_bytes = int.from_bytes(content[-8:-4], "little") + 8
    content[data.draw(st.integers(4, len(content) - footer_bytes - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / FILE_NAME).write_bytes(content)
    try:
        assert list(read_documents(folder)) == documents
    except SlowburnError as error:
        assert "is damaged" in str(error)
