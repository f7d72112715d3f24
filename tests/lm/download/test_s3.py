"""A corpus in an object store, by the protocol of S3; `make test-s3` installs a server and the library beside us."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lm.text.raw_sources import read_sources
from tests.conftest import PROJECT, free_port
from tests.lm.download.test_remote import PROGRAM, TEXT

BESIDE = PROJECT / ".venv-s3"
PYTHON = BESIDE / "bin" / "python"
SECRET = "a-key-that-nobody-should-read"
PUT = """
import sys, s3fs
files = s3fs.S3FileSystem()
files.exists("mine") or files.mkdir("mine")
files.pipe(sys.argv[1], sys.stdin.buffer.read())
"""

pytestmark = [
    pytest.mark.s3,
    pytest.mark.skipif(not PYTHON.exists(), reason="no object store is here: `make test-s3` installs one"),
]


@pytest.fixture(scope="module")
def credentials() -> Iterator[dict[str, str]]:
    """A server on this machine, and what leads to it: an address and a key, in the variables of its library."""
    port = free_port()
    command = [str(PYTHON), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert time.monotonic() < deadline and server.poll() is None, "the object store does not start"
        time.sleep(0.2)
    yield {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.terminate()
    server.wait()


@pytest.fixture
def fetch_from(tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Download in a process that finds the library where it was installed."""
    (found,) = BESIDE.glob("lib/python*/site-packages")

    def run(word: str, credentials: dict[str, str]) -> tuple[str, str]:
        program = f"import sys; sys.path.append({str(found)!r})\n{PROGRAM}"
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **credentials}
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "root"), word], env=environment,
                              capture_output=True, text=True, cwd=PROJECT, timeout=120)  # fmt: skip
        return done.stdout.strip(), done.stderr.strip()

    return run


def put(name: str, content: bytes, credentials: dict[str, str]) -> None:
    subprocess.run([PYTHON, "-c", PUT, name], input=content, check=True, env=os.environ | credentials)


def test_a_bucket_is_a_corpus(
    credentials: dict[str, str], fetch_from: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    """Its texts by name, without what is hidden; what is not there, or not for us, is one line; no key is kept."""
    for name, content in (("mine/b/one.txt", TEXT), ("mine/b/deep/two.md", b"second"), ("mine/b/.hidden", b"hidden")):
        put(name, content, credentials)
    out, said = fetch_from("s3://mine/b", credentials)
    assert out, said
    sources = {source.name: (Path(out) / source.path).read_bytes() for source in read_sources(Path(out))}
    assert sources == {"mine/b/one.txt": TEXT, "mine/b/deep/two.md": b"second"}
    assert fetch_from("s3://mine/b", credentials)[0] == out
    for word in ("s3://mine/nothing", "s3://no-such-bucket/a.txt"):
        _, said = fetch_from(word, credentials)
        assert said.startswith(f"BadInput {word} is not there, or you may not read it")
    _, said = fetch_from("s3://mine/b/one.txt", {"AWS_ENDPOINT_URL": credentials["AWS_ENDPOINT_URL"]})
    assert "give the credentials that its library looks for" in said
    for file in (tmp_path / "root").rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()
