"""Files behind fsspec's addresses, and Hugging Face datasets by name: from a real file system and a real server."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lm.download import remote, remote_addresses
from lm.download.config import DownloadConfig
from lm.download.metrics import DownloadMetrics
from lm.download.refresh import refresh
from lm.download.stage import fetch, resolve
from lm.errors import BadInput, Stopped
from lm.progress import silent
from lm.store.artifacts import Store
from lm.text.addresses import identity, shown, without_secrets
from lm.text.raw_sources import read_sources
from tests.lm.downloading import contents, download

TEXT = "".join(f"{n}: All happy families are alike.\n" for n in range(3000)).encode()


class Bucket(MemoryFileSystem):  # type: ignore[misc] # fsspec ships no types
    """A real file system of fsspec's, in this process's memory; its files have ETags, and what is read is noted."""

    protocol = "bucket"
    store: dict[str, Any] = {}  # noqa: RUF012 the file system's own
    pseudo_dirs: list[str] = [""]  # noqa: RUF012
    opened: list[str] = []  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("bucket://")))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().info(path)
        if found["type"] == "file":
            found["ETag"] = str(hash(self.store[self._strip_protocol(path)].getvalue()))
        return found

    def find(self, path: str, detail: bool = False, **_: Any) -> Any:
        names = super().find(path)
        return {name: self.info(name) for name in names} if detail else names

    def _open(self, path: str, *arguments: Any, **settings: Any) -> Any:
        self.opened.append(path)
        return super()._open(path, *arguments, **settings)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    fsspec.register_implementation("bucket", Bucket, clobber=True)
    monkeypatch.setitem(remote_addresses.PACKAGES, "bucket", "fsspec")
    Bucket.store.clear()
    Bucket.opened.clear()
    yield Bucket()


def test_a_folder_of_a_store_is_a_corpus(bucket: Bucket, tmp_path: Path) -> None:
    """Its text files by name; hidden ones and those that are no text are not; listed and fetched once."""
    bucket.pipe({"/mine/b/one.txt": TEXT, "/mine/b/deep/two.md": b"second", "/mine/b/.hidden": b"hidden",
                 "/mine/b/random.txt": bytes(range(256)) * 90, "/mine/b/empty.txt": b"",
                 "/mine/bb.txt": b"other"})  # fmt: skip
    Bucket.opened.clear()
    artifact = download(tmp_path, "bucket://mine/b")
    assert contents(artifact) == {"mine/b/one.txt": TEXT, "mine/b/deep/two.md": b"second"}
    assert "random.txt gave a binary file" in artifact.read_metrics(DownloadMetrics).notes[0]
    opened = list(Bucket.opened)
    assert download(tmp_path, "bucket://mine/b").path == artifact.path
    assert Bucket.opened == opened, "what is there is not asked for again"
    assert contents(download(tmp_path, "bucket://mine/bb.txt")) == {"mine/bb.txt": b"other"}


def test_only_what_has_changed_in_a_place_is_fetched_again(bucket: Bucket, tmp_path: Path) -> None:
    """A file with another ETag, a new one and one that is gone are changes; the others are not read."""
    bucket.pipe({"/b/same.txt": b"the same", "/b/gone.txt": b"soon gone", "/b/other.txt": b"before"})
    config, store = DownloadConfig(corpus=("bucket://b",), retries=0), Store(tmp_path)
    first = download(tmp_path, "bucket://b")
    assert refresh(config, store, silent) == []
    bucket.pipe({"/b/other.txt": b"after", "/b/new.txt": b"new"})
    bucket.rm("/b/gone.txt")
    Bucket.opened.clear()
    assert refresh(config, store, silent) == ["b/new.txt", "b/other.txt", "b/gone.txt"]
    assert sorted(Bucket.opened) == ["/b/new.txt", "/b/other.txt"]
    second = download(tmp_path, "bucket://b")
    assert second.key != first.key
    assert contents(second) == {"b/same.txt": b"the same", "b/other.txt": b"after", "b/new.txt": b"new"}
    assert len(Bucket.opened) == 2


def test_a_transfer_that_was_cut_goes_on(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a broken connection only the rest is read, unless the content has another ETag by then."""
    bucket.pipe("/a.txt", TEXT)
    monkeypatch.setattr(remote, "BLOCK_BYTES", 10_000)
    monkeypatch.setattr("lm.download.partial_file.FLUSH_SECONDS", 0)
    reads = list[int]()

    def breaks(done: float, total: float | None, unit: str, note: str = "") -> None:
        reads.append(int(done))
        if done == 50_000:
            raise ConnectionResetError("cut")

    config, store = DownloadConfig(corpus=("bucket://a.txt",), retries=0), Store(tmp_path)
    with pytest.raises(Stopped, match="have arrived and are kept"):
        fetch(config, resolve(config, store), store, breaks)
    reads.clear()
    fetch(config, resolve(config, store), store, lambda done, *_: reads.append(int(done)))
    assert reads[0] == 60_000
    assert contents(download(tmp_path, "bucket://a.txt")) == {"a.txt": TEXT}


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("s3://bucket/a.txt", "pip install s3fs`"),
        ("bucket://nothing/there", "not there, or you may not read it"),
        ("bucket://large.txt", "size cap"),
        ("bucket://binary", "a binary file"),
        ("bucket://many", "above the cap: name a folder"),
        ("bucket://*/a.txt", "is not understood here"),
        ("bucket://a::file:///etc/passwd", "cannot be understood"),
        ("bucket://", "cannot be understood"),
        ("file:///etc/passwd", "for a file give its path"),
        ("memory://a.txt", "such as s3://"),
        ("hf://owner/model", "expected hf://datasets/OWNER/NAME"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(bucket: Bucket, tmp_path: Path, word: str, words: str) -> None:
    """A missing package or file, too much of it, and addresses that lead elsewhere: named, and nothing stays."""
    bucket.pipe({"/large.txt": TEXT * 2, "/binary": bytes(range(256)) * 90, "/many/1": TEXT, "/many/2": TEXT})
    with pytest.raises(BadInput, match=words) as refusal:
        download(tmp_path, word, max_bytes=150_000, retries=0)
    assert "\n" not in str(refusal.value)
    left = [path.name for path in (tmp_path / "data").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert set(left) <= {"listings.json"}


def test_a_library_without_an_end_is_left_at_the_deadline(bucket: Bucket, tmp_path: Path, monkeypatch: Any) -> None:
    """Whatever a file system waits for, the run stops when it should, with the code for trying again."""
    monkeypatch.setattr(Bucket, "info", lambda self, path, **_: threading.Event().wait())
    with pytest.raises(Stopped, match="the deadline has passed"):
        download(tmp_path, "bucket://a.txt", deadline_seconds=0.3)


def test_what_a_library_says_is_told_without_secrets(bucket: Bucket, tmp_path: Path, monkeypatch: Any) -> None:
    """Its message may hold a signed address."""

    def fail(self: Bucket, path: str, **_: Any) -> None:
        raise RuntimeError("GET https://me:pa55@host/a?X-Signature=s3cr3t failed\nand more")

    monkeypatch.setattr(Bucket, "info", fail)
    with pytest.raises(Stopped, match="RuntimeError: GET https://host/a") as refusal:
        download(tmp_path, "bucket://a.txt", retries=0)
    assert not [word for word in ("pa55", "s3cr3t", "\n") if word in str(refusal.value)]


def test_repositories_and_containers_are_told_apart() -> None:
    """What stands before the @ is a place in some addresses, and a secret in all others."""
    assert shown("github://Me:notes@main/a.txt") != shown("github://you:notes@main/a.txt")
    assert identity("abfs://one@account/a") != identity("abfs://two@account/a")
    assert without_secrets("--corpus github://me:notes@main/a") == "--corpus github://me:notes@main/a"
    assert shown("sftp://me:pw@host/a") == "sftp://host/a"


CARD = b"---\nlicense:\n- cc-by-4.0\n- mit\ntags: [x]\n---\n# Tales\n"
FILES = {"README.md": CARD, "data/train.jsonl": b'{"text": "Once upon a time."}\n' * 50, "data/more.txt": TEXT,
         ".gitattributes": b"x", "make.py": b"print()"}  # fmt: skip


class Hub(BaseHTTPRequestHandler):
    """The part of Hugging Face's API that reading a dataset needs."""

    protocol_version = "HTTP/1.1"
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.asked.append(path)
        if path == "/api/datasets/me/tales" or path.startswith("/api/datasets/me/tales/revision/"):
            self.answer({"id": "me/tales", "sha": "0" * 40, "private": False, "gated": False, "disabled": False,
                         "downloads": 0, "likes": 0, "tags": [], "siblings": []})  # fmt: skip
        elif path.startswith("/api/datasets/me/tales/tree/main"):
            folder = path.removeprefix("/api/datasets/me/tales/tree/main").strip("/")
            below = {name: content for name, content in FILES.items() if name.startswith(folder)}
            files: list[dict[str, Any]] = [
                {"type": "file", "path": name, "size": len(content), "oid": f"{len(content):040x}"}
                for name, content in below.items()
            ]
            recursive = "recursive=true" in self.path.lower()
            direct = [f for f in files if recursive or "/" not in f["path"].removeprefix(folder).strip("/")]
            folders = [] if folder else [{"type": "directory", "path": "data", "size": 0, "oid": "1" * 40}]
            self.answer([*folders, *direct])
        elif path.startswith("/datasets/me/tales/resolve/main/"):
            self.file(FILES[path.removeprefix("/datasets/me/tales/resolve/main/")])
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer([{"type": "file", "path": name, "size": len(content), "oid": f"{len(content):040x}"}
                     for name, content in FILES.items() if name in unquote(asked)])  # fmt: skip

    def answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file(self, content: bytes) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or len(content) - 1) + 1]
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", f'"{len(content):040x}"')
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Hub.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


PROGRAM = """
import sys
from pathlib import Path
import lm.stages
from lm.download.config import DownloadConfig
from lm.download.stage import assemble, fetch, key_of, resolve
from lm.errors import SlowburnError
from lm.progress import silent
from lm.store.artifacts import Store
store, config = Store(Path(sys.argv[1])), DownloadConfig(corpus=tuple(sys.argv[2:]), retries=0)
try:
    corpus = fetch(config, resolve(config, store), store, silent)
    out = Path(sys.argv[1]) / key_of(corpus)
    out.mkdir(exist_ok=True)
    assemble(corpus, store, out, silent)
    print(out)
except SlowburnError as error:
    print(type(error).__name__, error, file=sys.stderr)
"""


@pytest.fixture
def from_hub(hub: str, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Download in a process of its own: the library reads the address of its hub when it is loaded."""

    def run(*words: str) -> tuple[str, str]:
        environment = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hf"), "PATH": "", "HOME": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "root"), *words], env=environment,
                              capture_output=True, text=True, cwd=Path(__file__).parents[3], timeout=120)  # fmt: skip
        return done.stdout.strip(), done.stderr.strip()

    return run


def test_a_hugging_face_dataset_by_name(from_hub: Callable[..., tuple[str, str]]) -> None:
    """Its data files with the licence of its card, fetched once; one file of it alone; one that is not there."""
    out, said = from_hub("hf://datasets/me/tales")
    assert out, said
    sources = read_sources(Path(out))
    assert {source.name: source.licence for source in sources} == {
        "datasets/me/tales/data/more.txt": "cc-by-4.0, mit",
        "datasets/me/tales/data/train.jsonl": "cc-by-4.0, mit",
    }
    assert [(Path(out) / source.path).read_bytes() for source in sources] == [TEXT, FILES["data/train.jsonl"]]
    asked = len(Hub.asked)
    assert from_hub("hf://datasets/me/tales")[0] == out
    assert len(Hub.asked) == asked
    alone, said = from_hub("hf://datasets/me/tales/data/more.txt")
    assert [source.name for source in read_sources(Path(alone))] == ["datasets/me/tales/data/more.txt"], said
    _, said = from_hub("hf://datasets/me/nothing")
    assert said.splitlines()[-1].startswith("BadInput hf://datasets/me/nothing is not there, or you may not read it")
