"""Malformed inputs: each ends as text, as a counted reject or as one clear line; never as a traceback."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lm.clean.config import CleanConfig
from lm.clean.stage import clean
from lm.download.config import DownloadConfig
from lm.download.stage import assemble, fetch, resolve
from lm.errors import BadInput, SlowburnError
from lm.progress import silent
from lm.store.artifacts import Store
from lm.text.documents import read_documents
from tests.lm.packing import zip_of, zstandard

PROSE = "".join(f"{n}: the sea was calm that night, and the lamps burned low in house {n * 7}.\n" for n in range(200))
GOOD = PROSE.encode()


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def parquet_of(**columns: list[object]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def damaged(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file cut short at several places, with a byte turned at several, and with rubbish before and after it."""
    for share in (0.1, 0.5, 0.9, 0.999):
        yield f"cut at {share:.1%} {name}", content[: int(share * len(content))]
    for place in range(1, 8):
        turned = bytearray(content)
        turned[place * len(content) // 8] ^= 0xFF
        yield f"turned at {place} of 8 {name}", bytes(turned)
    yield f"doubled {name}", content + content
    yield f"with rubbish after {name}", content + b"rubbish" * 9
    yield f"with rubbish before {name}", b"rubbish" * 9 + content


PACKED = {
    "a.txt.gz": gzip.compress(GOOD),
    "a.txt.bz2": bz2.compress(GOOD),
    "a.txt.xz": lzma.compress(GOOD),
    "a.txt.zst": zstandard(GOOD),
    "a.zip": zip_of({"a.txt": GOOD, "b.txt": b"Second.\n"}),
    "a.tar": tar_of((member("a.txt"), GOOD), (member("b.txt"), b"Second.\n")),
    "a.tar.gz": gzip.compress(tar_of((member("a.txt"), GOOD))),
    "a.parquet": parquet_of(text=[PROSE, "Second.\n"]),
}
DAMAGED = dict(case for name, content in PACKED.items() for case in damaged(name, content))
ODD = {
    "empty.txt": b"",
    "space.txt": b" \n\t\n ",
    "nul.txt": bytes(5000),
    "nuls in text.txt": GOOD.replace(b" ", b"\0"),
    "one nul.txt": GOOD + b"\0",
    "random.txt": random.Random(1).randbytes(50_000),
    "high bytes.txt": bytes(random.Random(2).choices(range(128, 256), k=20_000)),
    "utf-16 without mark.txt": PROSE.encode("utf-16-le"),
    "utf-16 big without mark.txt": PROSE.encode("utf-16-be"),
    "utf-16 cut.txt": PROSE.encode("utf-16")[:-1],
    "utf-32.txt": PROSE.encode("utf-32"),
    "utf-32 cut.txt": PROSE.encode("utf-32")[:-3],
    "only a mark.txt": b"\xef\xbb\xbf",
    "only a utf-16 mark.txt": b"\xff\xfe",
    "mixed.txt": "naïve café\n".encode() * 40 + "naïve café\n".encode("latin-1") * 40 + PROSE.encode("utf-16-le")[:300],
    "overlong utf-8.txt": b"\xc0\xaf\xe0\x80\xaf" * 100 + GOOD,
    "surrogates.txt": "\ud800\udfff".encode("utf-8", "surrogatepass") * 50 + GOOD,
    "carriage returns.txt": GOOD.replace(b"\n", b"\r"),
    "escapes.txt": b"\x1b[31mred\x1b[0m\n" * 100 + GOOD,
    "endless line.txt": b"word " * 400_000,
    "endless word.txt": b"w" * 2_000_000,
    "right to left.txt": "\u202eevil\u202c\n".encode() * 50 + GOOD,
    "combining.txt": ("z" + "\u0301" * 500 + "\n").encode() * 50,
    "emoji.txt": "👩‍👩‍👧‍👦🏳️‍🌈\n".encode() * 500,
    "line separators.txt": "a\u2028b\u2029c\x85d\n".encode() * 500,
    "a.pdf": b"%PDF-1.7\n" + GOOD,
    "a.png": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "a.rtf": b"{\\rtf1 text}",
    "a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(500),
    "a.docx": zip_of({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<w>text</w>"}),
    "empty.gz": b"",
    "only a head.gz": b"\x1f\x8b",
    "only a head.xz": b"\xfd7zXZ\0",
    "only a head.zst": b"\x28\xb5\x2f\xfd",
    "only a head.bz2": b"BZh9",
    "only a head.zip": b"PK\x03\x04",
    "only a head.parquet": b"PAR1",
    "two marks.parquet": b"PAR1PAR1",
    "nothing inside.gz": gzip.compress(b""),
    "nothing inside.zip": zip_of({}),
    "nothing inside.tar": tar_of(),
    "folders only.tar": tar_of((member("d", tarfile.DIRTYPE), b"")),
    "a binary inside.gz": gzip.compress(bytes(range(256)) * 20),
    "ratio.gz": gzip.compress(bytes(90_000_000)),
    "ratio.zip": zip_of({"zeros": bytes(90_000_000)}),
    "ratio.bz2": bz2.compress(bytes(90_000_000)),
    "deep.gz": gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(GOOD))))),
    "upwards.tar": tar_of((member("../../escaped.txt"), GOOD)),
    "absolute.tar": tar_of((member("/tmp/escaped.txt"), GOOD)),
    "upwards.zip": zip_of({"../../escaped.txt": GOOD, "C:\\escaped.txt": GOOD}),
    "links.tar": tar_of(
        (member("a", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (member("b", tarfile.LNKTYPE, "../../../etc/passwd"), b""),
        (member("c", tarfile.CHRTYPE), b""),
        (member("d", tarfile.FIFOTYPE), b""),
    ),
    "same name twice.tar": tar_of((member("a.txt"), b"One.\n"), (member("a.txt"), b"Two.\n")),
    "names.tar": tar_of((member("a\nb\x1b[31m.txt"), b"One.\n"), (member("é" * 200), b"Two.\n")),
    "names.zip": zip_of({"a\nb.txt": b"One.\n", "\u202egnp.txt": b"Two.\n"}),
    "lzma.zip": zip_of({"a.txt": GOOD}, zipfile.ZIP_LZMA),
    "numbers.parquet": parquet_of(number=[1, 2, 3]),
    "no rows.parquet": parquet_of(text=pa.array([], pa.string())),
    "nulls.parquet": parquet_of(text=pa.array([None, None], pa.string())),
    "lists.parquet": parquet_of(text=[["a"], ["b"]]),
    "odd.jsonl": b'{"text": 1}\n[]\nnull\n"x"\n{"a": {"text": "deep"}}\n{broken\n' + b"[" * 100_000 + b"\n",
    "surrogates.jsonl": b'{"text": "\\ud800 alone"}\n{"text": "\\u0000"}\n',
    "huge number.jsonl": b'{"n": 1' + b"0" * 5000 + b', "text": "x"}\n{"text": NaN}\n',
    "not utf-8.jsonl": '{"text": "café"}\n'.encode("latin-1") * 30,
    "not lines.json": b'{\n "text": "a"\n}',
    "nested.html": b"<html>" + b"<div>" * 50_000 + b"x",
    "open.html": b"<html><p>" * 5000,
    "nul.html": b"<html><body><p>a\0b\xff</p>" + GOOD,
    "only scripts.html": b"<!doctype html><script>" + GOOD + b"</script>",
    "lies.html": b"<html><meta charset='utf-7'>\xe9" + GOOD,
    "lies more.html": b"<html><meta charset='base64'>\xe9" + GOOD,
    "gutenberg cut.txt": b"*** START OF THE PROJECT GUTENBERG EBOOK X ***\n" + GOOD,
    "gutenberg alone.txt": b"*** START OF THE PROJECT GUTENBERG EBOOK X ***\n"
    b"*** END OF THE PROJECT GUTENBERG EBOOK X ***\n",
}
CASES = ODD | DAMAGED


def prepare(folder: Path, *words: str) -> Path:
    """Download as the pipeline does; the raw artifact's folder."""
    config, store = DownloadConfig(corpus=words), Store(folder / "root")
    corpus = fetch(config, resolve(config, store), store, silent)
    raw, out = folder / "raw", folder / "out"
    raw.mkdir()
    out.mkdir()
    assemble(corpus, store, raw, silent)
    return raw


def test_there_are_many_cases() -> None:
    """The table of malformed inputs is as large as was promised."""
    assert len(CASES) >= 150


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_file_is_text_or_is_named(tmp_path: Path, name: str) -> None:
    """Beside a good file, a bad one harms nothing: what it holds is read, or it is counted by name; nothing is left."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / f"bad {name}").write_bytes(CASES[name])
    (folder / "good.txt").write_text("".join(f"{n} of the good text, and {n * n} more words.\n" for n in range(300)))
    raw = prepare(tmp_path, str(folder))
    metrics = clean(raw, CleanConfig(), tmp_path / "out", silent)
    kept = "".join(document.text for document in read_documents(tmp_path / "out"))
    assert "299 of the good text" in kept
    assert all(line.isprintable() for line in [*metrics.notes, *metrics.skipped, metrics.summary])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["documents.parquet", "rejects.parquet"]
    assert not list(tmp_path.rglob("escaped*"))
    kept.encode()


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.startswith(("cut at 50.0%", "only a head", "nothing"))]
)
def test_a_malformed_file_alone_is_one_line(tmp_path: Path, name: str) -> None:
    """Where nothing can be read the message is one line that says so, without a traceback."""
    path = tmp_path / name.replace("%", "")
    path.write_bytes(CASES[name])
    try:
        clean(prepare(tmp_path, str(path)), CleanConfig(), tmp_path / "out", silent)
    except SlowburnError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 500
    assert not list(tmp_path.glob("out/.*"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(PACKED)), st.data())
def test_no_damage_brings_a_traceback(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    """Archives and tables with random damage end as text, as a reject or as one clear line."""
    content = bytearray(PACKED[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("damage")
    (folder / name).write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))] or content))
    try:
        clean(prepare(folder, str(folder / name)), CleanConfig(), folder / "out", silent)
    except SlowburnError as error:
        assert "\n" not in str(error)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """Links that lead round, to themselves or to nowhere are left out, and the walk ends."""
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / "nowhere").symlink_to(tmp_path / "missing")
    (folder / "a.txt").write_text(PROSE)
    clean(prepare(tmp_path, str(folder)), CleanConfig(), tmp_path / "out", silent)
    assert {document.source for document in read_documents(tmp_path / "out")} == {"notes/a.txt"}
    with pytest.raises(BadInput):
        prepare(tmp_path / "again", str(folder / "self"))


def test_any_name_of_a_file_can_be_shown(tmp_path: Path) -> None:
    """Newlines, escape sequences and very long names neither break nor forge a line."""
    folder = tmp_path / "notes"
    folder.mkdir()
    names = [b"a\nb.txt", b"\x1b[31mred.txt", b"x" * 250, "\u202etxt.exe".encode(), b" ", b"-rf"]
    for number, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(f"{number} {PROSE}")
    (folder / "bad\nname.pdf").write_bytes(b"%PDF-")
    config, store = DownloadConfig(corpus=(str(folder),)), Store(tmp_path / "root")
    corpus = resolve(config, store)
    assert all(text.isprintable() for source in corpus.sources for text in (source.name, source.title))
    assert all(note.isprintable() for note in corpus.notes)
    metrics = clean(prepare(tmp_path, str(folder)), CleanConfig(), tmp_path / "out", silent)
    assert len({document.source for document in read_documents(tmp_path / "out")}) == len(names)
    assert metrics.near_duplicate_documents == len(names) - 1


def test_many_tiny_files_are_one_corpus(tmp_path: Path) -> None:
    """An archive of a thousand files of a line each is read within seconds, each file a document."""
    content = tar_of(*((member(f"{n}.txt"), f"Note {n}: remember {n * n}.\n".encode()) for n in range(1000)))
    (tmp_path / "notes.tar").write_bytes(content)
    metrics = clean(prepare(tmp_path, str(tmp_path / "notes.tar")), CleanConfig(), tmp_path / "out", silent)
    assert metrics.train_documents + metrics.heldout_documents == 1000
