"""Tracing finds where a text comes from: nothing that is long enough is missed, and every place named is real."""

import io
import json
import os
import re
import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.errors import BadInput
from lm.store.artifacts import Store
from lm.text.attribution import trace
from lm.text.documents import Document, read_documents
from tests.lm.conftest import Toy
from tests.lm.documents import write_documents

letters = st.text(alphabet="abé \n", max_size=40)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trace")


@settings(max_examples=150, deadline=None)
@given(st.lists(letters, min_size=1, max_size=5), st.data())
def test_the_longest_shared_stretch_is_found_and_is_there(folder: Path, texts: list[str], data: st.DataObject) -> None:
    """Whatever is traced, the first passage is as long as the longest that trying everything finds, and it is true."""
    documents = [text * data.draw(st.integers(1, 3)) for text in texts]
    write_documents([Document(str(n), "tale", text, "train") for n, text in enumerate(documents)], folder)
    traced = data.draw(letters) + data.draw(st.sampled_from(documents))[data.draw(st.integers(0, 9)) :]
    if len(traced.encode()) < 8:
        return
    passages = trace(traced, folder)
    longest = max((common(traced, document) for document in documents), key=lambda text: len(text.encode()))
    for passage in passages:
        assert traced.startswith(passage.text, passage.first_character)
        document = documents[int(passage.document_id)]
        starts = [match.end("before") for match in re.finditer(f"(?=(?P<before>{re.escape(passage.before)})"
                  f"{re.escape(passage.text + passage.after)})", document)]  # fmt: skip
        assert passage.line in [document[:start].count("\n") + 1 for start in starts]
    if len(longest.encode()) >= 23 and not re.search(r"(.)\1{7}", longest, re.DOTALL):
        assert len(passages[0].text.encode()) >= len(longest.encode()) - 2  # halves of characters are left out


def common(one: str, other: str) -> str:
    match = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
    return one[match.a : match.a + match.size]


def test_a_quotation_is_found_with_its_place(toy: Toy) -> None:
    """Source, document, line and the words around it; how often it stands there; not the held-out text."""
    document = max(read_documents(toy.clean, "train"), key=lambda document: len(document.text))
    lines = document.text.split("\n")
    number = next(n for n, line in enumerate(lines) if n > 20 and len(line) > 60)
    quoted = lines[number][5:55]
    (passage, *_) = trace(f"As someone wrote: {quoted}! Or so it seems.", toy.clean)
    assert quoted in passage.text
    assert (passage.source, passage.document_id) == ("python-docs", document.document_id)
    assert passage.line == number + 1
    assert passage.before.endswith(lines[number][:5])
    assert passage.after.startswith(lines[number][55:60])
    (repeated, *_) = trace("The Python Reference Manual", toy.clean)
    assert repeated.text in "The Python Reference Manual"


def test_short_texts_and_none_are_answered(toy: Toy) -> None:
    """A few words are found too; what stands nowhere gives nothing."""
    assert "statement" in trace(" statement", toy.clean)[0].text
    assert trace("zqxjzqxj wvkq", toy.clean) == []
    assert trace("          \n\n\n          ", toy.clean) == []


@pytest.mark.parametrize("text", ["", "short", "caf\udce9 and more", "x" * (2 << 20)])
def test_what_cannot_be_traced_is_one_clear_line(toy: Toy, text: str) -> None:
    """Too short, too long, no text."""
    with pytest.raises(BadInput) as refusal:
        trace(text, toy.clean)
    assert "\n" not in str(refusal.value)


def command(store: Store, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"SLOWBURN_ROOT": str(store.root)}
    return subprocess.run([sys.executable, "-m", "lm", *words], env=environment, capture_output=True, input=given)


def test_the_command_line_shows_it(toy_store: Store, toy: Toy) -> None:
    """`slowburn trace` takes words or standard input, prints the place, and JSON for programs."""
    quoted = next(read_documents(toy.clean, "train")).text[100:200]
    done = command(toy_store, "trace", "-", "--json", given=quoted.encode())
    assert done.returncode == 0, done.stderr
    assert json.load(io.BytesIO(done.stdout))[0]["text"] in quoted
    shown = command(toy_store, "trace", quoted).stdout.decode()
    assert "python-docs" in shown
    assert "line" in shown
    refused = command(toy_store, "trace", "-", given=b"caf\xe9 au lait")
    assert refused.returncode == 2
    assert b"not UTF-8: got byte 0xe9 at 3" in refused.stderr
    assert refused.stderr.count(b"\n") == 1
