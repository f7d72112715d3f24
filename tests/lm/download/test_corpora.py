"""What the words of a request mean: names, paths, folders and addresses; and the key that follows from content."""

import os
from pathlib import Path

import pytest

from lm.download.config import DownloadConfig
from lm.download.metrics import DownloadMetrics
from lm.download.stage import key_of, resolve
from lm.errors import BadInput
from lm.store.artifacts import Store
from lm.text.addresses import without_secrets
from lm.text.raw_sources import read_sources
from tests.lm.downloading import contents, download


def test_a_folder_gives_its_text_files_and_nothing_from_outside(tmp_path: Path) -> None:
    """What can be read, in order of names; what is hidden, binaries and links that lead out stay out, and are named."""
    folder, root = tmp_path / "notes", tmp_path / "root"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "b.txt").write_text("second")
    (folder / "a.md").write_text("first")
    (folder / "deep" / "c").write_text("third")
    (folder / ".git" / "config").write_text("hidden")
    (folder / ".hidden.txt").write_text("hidden")
    (folder / "picture.txt").write_bytes(os.urandom(5000))
    (folder / "page.txt").write_text("<!doctype html><p>page")
    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    artifact = download(root, str(folder))
    page = {"notes/page.txt": b"<!doctype html><p>page"}
    assert contents(artifact) == {"notes/a.md": b"first", "notes/b.txt": b"second", "notes/deep/c": b"third"} | page
    (note, *_) = artifact.read_metrics(DownloadMetrics).notes
    assert "skipped 6 files and folders that hold no text" in note
    for told in (".git: in a hidden folder", "link.txt: a link out of the folder, to ", "picture.txt: a binary file"):
        assert told in note
    sources = read_sources(artifact.path)
    assert [source.sha256 for source in sources] == list(artifact.manifest.inputs.values())


def test_the_key_follows_the_content_of_local_files(tmp_path: Path) -> None:
    """The same content under the same name is the same corpus wherever it lies and whatever the order; else not."""
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("same")
    (tmp_path / "b.txt").write_text("more")
    store = Store(tmp_path / "root")

    def key(*words: Path) -> str | None:
        return key_of(resolve(DownloadConfig(corpus=tuple(map(str, words))), store))

    here, there, other = tmp_path / "here/a.txt", tmp_path / "there/a.txt", tmp_path / "b.txt"
    assert key(here) == key(there) == key(here, here)
    assert key(here, other) == key(other, there) != key(here)
    before = key(here)
    here.write_text("changed")
    assert key(here) != before


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("tiny-shakespear", "did you mean tiny-shakespeare"),
        ("lovecraftt", "did you mean lovecraft"),
        ("zzz", "the catalogue has python-docs, tiny-shakespeare"),
        ("books/missing.txt", "no file or folder books/missing.txt"),
        ("", "unknown corpus"),
        ("a\0b", "unknown corpus"),
        ("x" * 5000, "unknown corpus"),
        ("~nobody-of-this-name/a.txt", "no file or folder"),
        ("file:///etc/passwd", "https://"),
        ("gopher://example.org/a.txt", "https://"),
        ("http://", "cannot be understood"),
        ("http://example.org:99999/", "cannot be understood"),
        ("http://exa mple.org/", "cannot be understood"),
        ("http://[::1/", "cannot be understood"),
        ("/dev/null", "neither a file nor a folder"),
        ("empty.txt", "an empty file"),
        ("random.txt", "a binary file"),
        ("photo.jpg", "an image"),
        ("no-text", "no text file in no-text"),
    ],
)
def test_a_word_that_names_no_corpus_gets_a_helpful_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, words: str
) -> None:
    """Unknown names, wrong addresses and files that are no text: one line each, before anything is fetched."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    (tmp_path / "random.txt").write_bytes(os.urandom(1000))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff and so on")
    (tmp_path / "no-text").mkdir()
    with pytest.raises(BadInput, match=words) as refusal:
        resolve(DownloadConfig(corpus=(word,)), Store(tmp_path / "root"))
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_a_path_wins_over_a_name_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file called like a corpus of the catalogue is used, with a note."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lovecraft").write_text("my own pages")
    corpus = resolve(DownloadConfig(corpus=("lovecraft",)), Store(tmp_path / "root"))
    assert [source.kind for source in corpus.sources] == ["file"]
    assert "the path is used" in corpus.notes[0]


def test_tiny_shakespeare_has_its_hash_before_it_is_fetched(tmp_path: Path) -> None:
    """The catalogue pins what is stable: the key is known offline, and names cost no request."""
    store = Store(tmp_path)
    assert key_of(resolve(DownloadConfig(corpus=("tiny-shakespeare",)), store))
    assert key_of(resolve(DownloadConfig(corpus=("king-james-bible",)), store)) is None
    assert len(resolve(DownloadConfig(corpus=("lovecraft", "tinystories")), store).sources) == 9


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (
            "run --corpus 'https://me:pw@example.org/a.txt?key=1#top' notes",
            "run --corpus 'https://example.org/a.txt?…' notes",
        ),
        ("--corpus=ftp://me@example.org/@home/a.txt", "--corpus=ftp://example.org/@home/a.txt"),
        ("notes/me@home.txt", "notes/me@home.txt"),
        ("http://example.org:8080/a.txt", "http://example.org:8080/a.txt"),
    ],
)
def test_a_command_line_is_kept_without_its_secrets(told: str, kept: str) -> None:
    """What a run remembers of its command names the place and nothing that opens it."""
    assert without_secrets(told) == kept
