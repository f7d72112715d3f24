"""Reading any real text: archives, web pages, tables and folders of these; what cannot be read is named, never lost."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.clean.readers.columns import choose_columns
from lm.clean.readers.html_text import page_text
from lm.clean.readers.input_file import PART_CHARACTERS, InputFile, ReadingSettings
from lm.clean.readers.json_lines import read_rows
from lm.clean.reading import RawDocument, read_raw
from lm.clean.readings import ReadingCounts
from lm.clean.repair import repair_mojibake
from lm.clean.shards import Shard
from lm.errors import BadInput
from lm.text.archives import Expansion
from lm.text.raw_sources import RawSource
from tests.lm.packing import zip_of, zstandard

TEXT = "It was late, and the café was empty.\nNobody came.\n"
Pack = Callable[[bytes], bytes]


def read(
    folder: Path, name: str, content: bytes, *, separator: str | None = None, max_bytes: int = 2**30
) -> tuple[list[RawDocument], ReadingCounts]:
    """Read one file as the clean stage does."""
    (folder / "scratch").mkdir(exist_ok=True)
    (folder / "file").write_bytes(content)
    source = RawSource(
        name=name,
        title=name,
        address=name,
        licence="",
        path="file",
        sha256="",
        bytes=len(content),
        format="text",
        separator=separator,
    )
    counts = ReadingCounts()
    return list(read_raw(folder, Shard(source=source), counts, folder / "scratch", Expansion(max_bytes))), counts


def tarred(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


PACKED: dict[str, tuple[str, Pack]] = {
    "plain": ("a.txt", bytes),
    "gzip": ("a.txt.gz", gzip.compress),
    "two gzip streams": ("a.txt.gz", lambda text: gzip.compress(text[:20]) + gzip.compress(text[20:])),
    "bzip2": ("a.txt.bz2", bz2.compress),
    "xz": ("a.txt.xz", lzma.compress),
    "two xz streams": ("a.txt.xz", lambda text: lzma.compress(text[:20]) + bytes(8) + lzma.compress(text[20:])),
    "zstandard": ("a.txt.zst", zstandard),
    "a wrong suffix": ("a.txt", gzip.compress),
}


@pytest.mark.parametrize(("name", "pack"), PACKED.values(), ids=PACKED)
def test_a_compressed_text_is_the_text(tmp_path: Path, name: str, pack: Pack) -> None:
    """However a file was compressed, its text is read, under its own name."""
    documents, counts = read(tmp_path, name, pack(TEXT.encode()))
    assert [document.text for document in documents] == [TEXT]
    assert documents[0].title == name
    assert counts.skipped_files == 0


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("notes.tar", tarred),
        ("notes.zip", zip_of),
        ("notes.tar.gz", lambda files: gzip.compress(tarred(files))),
        ("notes.tgz", lambda files: gzip.compress(tarred(files))),
        ("notes.tar.xz", lambda files: lzma.compress(tarred(files))),
    ],
)
def test_an_archive_is_read_like_a_folder(tmp_path: Path, name: str, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    """Every file of an archive is a document of its own; what holds no text is named with the reason."""
    files = {
        "a.txt": b"One.",
        "deep/b.md": b"# Two",
        "deep/c.html": b"<html><head><title>Three</title></head><body><p>Three.</p></body></html>",
        "d.txt.gz": gzip.compress(b"Four."),
        "e.jsonl": b'{"text": "Five."}\n',
        ".hidden": b"never",
        "f.pdf": b"%PDF-1.7",
        "g.bin": bytes(range(256)),
        "../../h.txt": b"Six.",
    }
    documents, counts = read(tmp_path, name, pack(files))
    assert [document.text.strip() for document in documents] == ["One.", "# Two", "Three.", "Four.", "Five.", "Six."]
    assert all(".." not in document.source for document in documents)
    assert documents[1].source.endswith("/deep/b.md")
    reasons = {skipped.reason for skipped in counts.skipped}
    assert reasons == {"a damaged PDF file (PdfStreamError)", "a binary file", "a hidden file"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "scratch"]


def test_a_book_for_reading_devices_gives_its_chapters(tmp_path: Path) -> None:
    """Of an EPUB the pages are read, also where it has no list of them; of a spreadsheet nothing is."""
    page = "<?xml version='1.0'?><html><head><title>{0}</title></head><body><p>{0}.</p></body></html>"
    book = {
        "mimetype": b"application/epub+zip",
        "content.opf": b"<?xml version='1.0'?><package/>",
        **{f"{n}.xhtml": page.format(f"Chapter {n}").encode() for n in (1, 2)},
    }
    documents, _ = read(tmp_path, "book.epub", zip_of(book))
    assert [(document.title, document.text.strip()) for document in documents] == [
        ("Chapter 1", "Chapter 1."),
        ("Chapter 2", "Chapter 2."),
    ]
    documents, counts = read(tmp_path, "a.xlsx", zip_of({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}))
    assert (documents, counts.skipped[0].reason) == ([], "an office document of a kind that is not read")


@pytest.mark.parametrize("column", ["text", "content", "story_of_mine"])
def test_the_column_of_text_is_found(tmp_path: Path, column: str) -> None:
    """In tables of JSON lines and of parquet the text is read from the column that holds it; others give titles."""
    rows = [{"id": f"n{n}", column: f"{n}: {TEXT}"} for n in range(5)]
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([*rows, {"id": "n5", column: None}]), sink)
    for name, content in {"a.jsonl": lines, "a.json": lines, "a.parquet": sink.getvalue()}.items():
        documents, counts = read(tmp_path, name, content)
        assert [(document.title, document.text) for document in documents] == [(row["id"], row[column]) for row in rows]
        assert counts.rejects == (name == "a.parquet")
        assert counts.readings[0].how == f"column {column}"


def test_a_long_text_is_read_in_parts_that_end_between_paragraphs(tmp_path: Path) -> None:
    """Memory is bounded whatever the length of a text, and no character is lost or cut from its word."""
    text = "".join(f"{n} words of a paragraph.\n\n" for n in range(2 * PART_CHARACTERS // 20))
    for content, end in ((text, "\n\n"), (text.replace("\n", " "), " "), (text.replace("\n", "").replace(" ", ""), "")):
        documents, _ = read(tmp_path, "long.txt", content.encode())
        assert "".join(document.text for document in documents) == content
        assert len(documents) > 1
        assert all(len(document.text) <= PART_CHARACTERS for document in documents)
        assert all(document.text.endswith(end) for document in documents)
        assert [document.part for document in documents] == list(range(1, len(documents) + 1))


PLAY = (
    "<html><head><title>Act\n I</title><style>p{}</style></head><body><nav><ul><li><a href='/'>Home</a></li></ul></nav>"
    "<main><h1>ACT I</h1><p><b>HAMLET.</b><br>To be, or not to be:<br>That is the question.</p>"
    "<p><sup>1</sup> In the beginning</p><pre>  verse\n    set in</pre><p>Fish &amp; chips &lt;here&gt;</p></main>"
    "<script>var x = 1;</script><footer>Copyright <a href='/p'>Privacy</a></footer></body></html>"
)


def test_a_web_page_gives_its_text_and_not_its_frame() -> None:
    """Speakers, lines of verse, verse numbers and set-in lines stay; markup, scripts, menus and footers go."""
    page = page_text(PLAY)
    assert page
    assert page.title == "Act I"
    for kept in (
        "HAMLET.\nTo be, or not to be:\nThat is the question.",
        "1 In the beginning",
        "  verse\n    set in",
        "Fish & chips <here>",
    ):
        assert kept in page.text
    for gone in ("Home", "Privacy", "var x", "<p>"):
        assert gone not in page.text


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([*"<>/&;ap \n\0\ud800", "<div>", "</div>", "<p>", "&amp;", "<!--", "<html>", "é"])))
def test_no_page_is_too_broken_to_be_read(pieces: list[str]) -> None:
    """Whatever stands in a page, reading it ends with a text."""
    assert page_text("".join(pieces)) is not None


@pytest.mark.parametrize(
    "piece", ["<div>", "<div></x>", "<div><p></p></span>", "<DIV\n", "<ul><li>", "<table><tr><td>"]
)
def test_a_page_of_endless_nesting_is_refused(piece: str) -> None:
    """What would crash the parser does not reach it."""
    assert page_text(piece * 100_000) is None


MEANT = ["café", "“quoted”", "привет, мир"]


@pytest.mark.parametrize("meant", MEANT)
def test_a_line_decoded_wrongly_is_mended(meant: str) -> None:
    """The usual damage of text that was read as cp1252 is undone, line by line."""
    mangled = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in meant.encode())
    assert repair_mojibake(f"Plain.\n{mangled}\n“Fine”, naïve.") == (f"Plain.\n{meant}\n“Fine”, naïve.", 1)


@pytest.mark.parametrize(
    "text",
    [
        "“Curly” \u2018quotes\u2019 — and dashes… \ufb01ne ligatures, \uff57ide letters, &amp; entities",
        "Où êtes-vous allée, à Noël ? « Là-bas », près de la forêt.",
        "Zażółć gęślą jaźń. Příliš žluťoučký kůň. Árvíztűrő tükörfúrógép.",
        "吾輩は猫である。名前はまだ無い。",
        "Всё смешалось в доме Облонских.",
        "e\u0301 stays as it was composed",
    ],
)
def test_text_that_is_right_is_left_alone(text: str) -> None:
    """Mending changes nothing that was not broken: no quotes are made straight, nothing is normalised."""
    assert repair_mojibake(text) == (text, 0)


def test_what_expands_too_far_is_not_expanded(tmp_path: Path) -> None:
    """A bomb is skipped by name once it shows itself; all archives together have a cap that the message tells."""
    bomb = gzip.compress(bytes(150_000_000), compresslevel=9)
    documents, counts = read(tmp_path, "bomb.gz", bomb)
    assert (documents, counts.skipped[0].reason) == ([], "it expands to more than 300 times its size")
    assert (tmp_path / "scratch" / "0").stat().st_size < 120_000_000
    with pytest.raises(BadInput, match=r"clean\.max_expanded_bytes"):
        read(tmp_path, "large.gz", gzip.compress(TEXT.encode() * 1000), max_bytes=20_000)
    layers = TEXT.encode()
    for _ in range(10):
        layers = gzip.compress(layers)
    assert read(tmp_path, "layers.gz", layers)[1].skipped[0].reason == "an archive in too many others"


@given(st.text(st.characters(exclude_categories=()), min_size=1), st.floats(), st.booleans())
def test_a_row_of_json_lines_gives_the_text_that_was_written(text: str, score: float, escaped: bool) -> None:
    """Whatever characters it has, escaped or not, beside numbers that are none: what Python writes is read."""
    line = json.dumps({"score": score, "text": text}, ensure_ascii=escaped) + "\n"
    columns = choose_columns([json.loads(line)])
    assert columns
    file = InputFile(Path("rows.jsonl"), "rows.jsonl", ReadingSettings(), Expansion(0))
    (passage,) = read_rows(file, io.StringIO(line, newline="\n"), columns)
    assert passage.text == text
