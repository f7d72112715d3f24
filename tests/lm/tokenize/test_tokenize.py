"""Tokenizing: no text is lost, no text can pretend to be a boundary, equal text gives equal bytes."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lm.errors import BadInput, SlowburnError
from lm.progress import silent
from lm.text.documents import Document, read_documents
from lm.text.splits import Split
from lm.text.spread_sample import spread_sample
from lm.tokenize.config import TOKENIZER_FILE, TokenizeConfig
from lm.tokenize.metrics import TokenizeMetrics
from lm.tokenize.stage import tokenize
from lm.tokenizer.kinds import Kind
from lm.tokenizer.special_tokens import BOUNDARY_PIECE, BYTE_VOCAB_SIZE, MIN_VOCAB_SIZE, UNKNOWN_ID
from lm.tokenizer.tokenizer import SEGMENT_CHARACTERS, Tokenizer, escape
from lm.tokenizer.tokens import documents, token_count
from lm.tokenizer.training import train_tokenizer
from tests.lm.documents import write_documents

KINDS: tuple[Kind, ...] = ("bpe", "unigram", "char", "word")  # and "byte", whose pieces follow from no text
ENGLISH = "\n".join(islice(topics.values(), 12))  # of the Python language reference: 110 kB
MARKS = ["<s>", "</s>", "<unk>", "<0x41>", BOUNDARY_PIECE, "\u2581", "\x10", "\x100", "\x101", "\u2585", "\x00", "<"]
SPACES = [" ", "  ", "   ", "\t", "\r", "\r\n", "\n", "\n\n", "\u00a0", "\u2028", "\x85"]
WORDS = ["the", " house", "naïve", "e\u0301", "漢字", "👩‍👩‍👧", "\ufffd", "\ufeff", "\U0010ffff"]
ANY_TEXT = st.lists(st.text() | st.sampled_from(MARKS + SPACES + WORDS)).map("".join)


@cache
def tokenizer_of(kind: Kind) -> Tokenizer:
    return Tokenizer.from_bytes(train_tokenizer([ENGLISH], kind, 300))


def clean_artifact(folder: Path, train: list[str], heldout: list[str]) -> Path:
    folder.mkdir()
    sides: list[tuple[Split, str]] = [("train", text) for text in train]
    sides += [("heldout", text) for text in heldout]
    write_documents((Document(str(i), "here", text, split) for i, (split, text) in enumerate(sides)), folder)
    return folder


def tokenized(clean: Path, out: Path, **config: Any) -> TokenizeMetrics:
    out.mkdir()
    return tokenize(clean, TokenizeConfig(**config), out, silent)


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.mark.parametrize("kind", [*KINDS, "byte"])
@given(text=ANY_TEXT)
@example(text="".join(MARKS + SPACES + WORDS))
@example(text="x" * (2 * SEGMENT_CHARACTERS) + "\n" + "\u2581" * SEGMENT_CHARACTERS + "\n\n")
@settings(max_examples=60, deadline=None)
def test_every_text_comes_back(kind: Kind, text: str) -> None:
    """Decoding the tokens of any text whatever gives that text, and no text can spell a boundary or an unknown."""
    tokenizer = tokenizer_of(kind)
    tokens = tokenizer.encode(text)
    assert tokenizer.decode(tokens) == text
    assert not np.isin(tokens, [UNKNOWN_ID, tokenizer.boundary_id]).any()
    assert tokenizer.decode([tokenizer.boundary_id, *tokens, tokenizer.boundary_id]) == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text", ["無駄\n" * 9, "<<<", "\t\n\x00", "a", "\u2581" * 20, "\n" * 9000, "\ufffd", "é" * 9000]
)
def test_a_tokenizer_of_odd_text_loses_nothing_either(kind: Kind, text: str) -> None:
    """A tokenizer trained on text without letters, spaces or lines still gives every text back."""
    tokenizer = Tokenizer.from_bytes(train_tokenizer([text], kind, 1024, shrink=True))
    for other in (text, ENGLISH[:2000], "".join(MARKS + SPACES + WORDS)):
        assert tokenizer.decode(tokenizer.encode(other)) == other


@pytest.mark.parametrize("kind", KINDS)
@given(lines=st.lists(st.sampled_from(["", "the house", "na\u0131ve  <", "x" * 4095, "the house " * 410, "é" * 9000])))
@settings(max_examples=30, deadline=None)
def test_a_text_has_the_tokens_of_its_lines(kind: Kind, lines: list[str]) -> None:
    """Tokens do not depend on the lines around, and a long line has those of its stretches of 4,096 characters."""
    stretches = [f"{line}\n"[i : i + SEGMENT_CHARACTERS] for line in lines for i in range(0, len(line) + 1, 4096)]
    tokenizer = tokenizer_of(kind)
    apart = [token for stretch in stretches for token in tokenizer.encode(stretch).tolist()]
    assert tokenizer.encode("".join(stretches)).tolist() == apart


def test_lone_surrogates_are_refused_in_one_line() -> None:
    """What is not a character, as from a command line that is not UTF-8, is bad input and no crash."""
    with pytest.raises(BadInput, match="surrogates"):
        tokenizer_of("bpe").encode("caf\udce9")


def test_equal_text_gives_equal_bytes(tmp_path: Path) -> None:
    """Another process, with other hash seeds and another number of threads, writes the same files."""
    clean = clean_artifact(tmp_path / "clean", [ENGLISH, "", "The end."], [ENGLISH[:5000]])
    code = (
        "import sys; from pathlib import Path; from lm.progress import silent;"
        "from lm.tokenize.config import TokenizeConfig; from lm.tokenize.stage import tokenize;"
        "[tokenize(Path(sys.argv[1]), TokenizeConfig(kind=kind), Path(sys.argv[2]) / kind, silent)"
        " for kind in sys.argv[3:]]"
    )
    for threads in ("1", "3"):
        for kind in KINDS:
            (tmp_path / threads / kind).mkdir(parents=True)
        environment = os.environ | {"OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        subprocess.run([sys.executable, "-c", code, clean, tmp_path / threads, *KINDS], env=environment, check=True)
    for kind in KINDS:
        assert hashes(tmp_path / "1" / kind) == hashes(tmp_path / "3" / kind)


def test_the_stage_keeps_documents_and_counts_them(tmp_path: Path) -> None:
    """Every document comes back from the token shards, in the order of the clean text, and the counts are true."""
    train = [ENGLISH[i : i + 7000] for i in range(0, len(ENGLISH), 7000)] + ["", "\u2581<|endoftext|>\n", "x" * 30_000]
    heldout = ["It is what it is.\n" * 90, "naïve 漢字"]
    clean = clean_artifact(tmp_path / "clean", train, heldout)
    metrics = tokenized(clean, tmp_path / "tokens", vocab_size=500)

    tokenizer = Tokenizer(tmp_path / "tokens" / TOKENIZER_FILE)
    assert tokenizer.vocab_size == metrics.vocab_size == 500
    sides: dict[Split, list[str]] = {"train": train, "heldout": heldout}
    for split, texts in sides.items():
        assert [tokenizer.decode(tokens) for tokens in documents(tmp_path / "tokens", split)] == texts
        encoded = sum(len(tokenizer.encode(text)) for text in texts)
        assert getattr(metrics, f"{split}_documents") == len(texts)
        assert metrics.count(split, "tokens") == token_count(tmp_path / "tokens", split) == encoded + len(texts)
        size = sum(len(text.encode()) for text in texts)
        assert getattr(metrics, f"{split}_bytes_per_token") == pytest.approx(size / encoded, abs=1e-4)
    assert [document.text for document in read_documents(clean, "train")] == train


def test_heldout_text_never_reaches_the_tokenizer(tmp_path: Path) -> None:
    """The tokenizer is the same whatever is held out."""
    models = []
    for name, heldout in (("a", "zebra " * 500), ("b", ENGLISH)):
        clean = clean_artifact(tmp_path / f"clean-{name}", [ENGLISH[:50_000]], [heldout])
        tokenized(clean, tmp_path / name)
        models.append((tmp_path / name / TOKENIZER_FILE).read_bytes())
    assert models[0] == models[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_the_text_cannot_support(kind: Kind, tmp_path: Path) -> None:
    """Asked for by name it is refused with the largest possible, which works; by default it shrinks and says so."""
    clean = clean_artifact(
        tmp_path / "clean", ["To be or not to be,\nthat is the question.\n"], ["Ay, there's the rub"]
    )
    with pytest.raises(BadInput, match=r"at most \d+ ") as refused:
        tokenized(clean, tmp_path / "refused", kind=kind, vocab_size=2000)
    assert "\n" not in str(refused.value)
    assert list((tmp_path / "refused").iterdir()) == []
    largest = int(str(refused.value).split("at most ")[1].split()[0])

    asked = tokenized(clean, tmp_path / "asked", kind=kind, vocab_size=largest)
    default = tokenized(clean, tmp_path / "default", kind=kind, default_vocab_size=2000)
    assert asked.vocab_size == largest <= default.vocab_size < 2000
    assert asked.notes == ()
    assert kind == "char" or str(default.vocab_size) in default.notes[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_vocabulary(kind: Kind) -> None:
    """One too small is refused with the least that would do, and that least one works, and loses nothing."""
    with pytest.raises(BadInput, match=f"ask for {MIN_VOCAB_SIZE} or more"):
        train_tokenizer([ENGLISH], kind, MIN_VOCAB_SIZE - 1)
    with pytest.raises(ValidationError, match="vocab_size"):
        TokenizeConfig(vocab_size=MIN_VOCAB_SIZE - 1)
    assert TokenizeConfig(vocab_size=MIN_VOCAB_SIZE).vocab_size == MIN_VOCAB_SIZE
    tokenizer = Tokenizer.from_bytes(train_tokenizer([ENGLISH], kind, MIN_VOCAB_SIZE))
    assert tokenizer.vocab_size == MIN_VOCAB_SIZE
    assert tokenizer.decode(tokenizer.encode(ENGLISH)) == ENGLISH


@pytest.mark.parametrize("train", [[], [""]])
def test_no_training_text_is_refused(train: list[str], tmp_path: Path) -> None:
    """A training split that is empty, or holds empty documents alone, ends with one clear line and nothing written."""
    clean = clean_artifact(tmp_path / "clean", train, ["Something else."])
    with pytest.raises(BadInput, match="no text to train a tokenizer on"):
        tokenized(clean, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_text_on_one_line_is_learned_from() -> None:
    """A line of 100 kB, which sentencepiece would silently drop, still teaches the tokenizer its words."""
    one_line = ENGLISH[:100_000].replace("\n", " ")
    tokenizer = Tokenizer.from_bytes(train_tokenizer([one_line], "bpe", 1024))
    assert len(tokenizer.encode(one_line)) < len(one_line) / 2


def test_the_training_sample_is_bounded_and_spread() -> None:
    """Of a text too large for the sample, parts from everywhere are kept, in order, and never more than allowed."""

    def texts() -> Iterator[str]:
        for number in range(2000):
            yield f"{number:06d} " + "é" * 4000 + "\n"

    sample = spread_sample(texts(), 1_000_000)
    numbers = [int(stretch[:6]) for stretch in sample]
    assert 900_000 < sum(len(stretch.encode()) for stretch in sample) <= 1_000_000
    assert numbers == sorted(numbers)
    assert np.allclose(np.quantile(numbers, [0, 0.25, 0.5, 0.75, 1]), [0, 500, 1000, 1500, 2000], atol=200)
    assert "".join(spread_sample(texts(), 100_000_000)) == "".join(texts())


@pytest.mark.parametrize("content", [b"", b"not a model", os.urandom(2000)])
def test_a_file_that_is_no_tokenizer_is_named(content: bytes, tmp_path: Path) -> None:
    """A damaged tokenizer ends with one line that names the file."""
    path = tmp_path / TOKENIZER_FILE
    path.write_bytes(content)
    with pytest.raises(SlowburnError, match=TOKENIZER_FILE):
        Tokenizer(path)


def test_the_config_loads_without_the_tokenizer() -> None:
    """The orchestrating process reads the stage's config without loading sentencepiece or pyarrow."""
    code = "import sys, lm.tokenize.config; print({'sentencepiece', 'pyarrow', 'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_words_keep_their_meaning_and_their_neighbours() -> None:
    """A word tokenizer knows `house` before a comma and at the end of a line, and spells a word it never saw."""
    tokenizer = Tokenizer.from_bytes(
        train_tokenizer(["the house, a house\nmy house, the end.\n" * 50], "word", 1024, shrink=True)
    )
    pieces = [tokenizer.decode([token]) for token in tokenizer.encode("my house, the zoo\n")]
    assert pieces == ["my", " house", ",", " the", " ", "z", "o", "o", "\n"]
    assert escape("my house") == "my house"


def test_a_byte_tokenizer_has_a_token_a_byte() -> None:
    """Whatever it was trained on and asked for: 261 pieces, and as many tokens as a text has bytes in UTF-8."""
    tokenizer = tokenizer_of("byte")
    assert (tokenizer.kind, tokenizer.vocab_size) == ("byte", BYTE_VOCAB_SIZE)
    text = "A naïve house, 漢字\n<0x41> 👩‍👩‍👧"
    assert len(tokenizer.encode(text)) == len(text.encode())
    with pytest.raises(ValidationError, match="leave vocab_size out"):
        TokenizeConfig(kind="byte", vocab_size=300)


def test_a_tokenizer_is_taken_as_it_is(tmp_path: Path) -> None:
    """Tokens made with another run's tokenizer have its very bytes, and it is said that it may know the test."""
    first = clean_artifact(tmp_path / "first", [ENGLISH], ["the house"])
    second = clean_artifact(tmp_path / "second", ["Ein Haus. " * 400], ["Das Haus."])
    tokenized(first, tmp_path / "one", kind="unigram", vocab_size=400)
    (tmp_path / "two").mkdir()
    metrics = tokenize(second, TokenizeConfig(), tmp_path / "two", silent, reused=tmp_path / "one")
    assert (tmp_path / "one" / TOKENIZER_FILE).read_bytes() == (tmp_path / "two" / TOKENIZER_FILE).read_bytes()
    assert (metrics.kind, metrics.vocab_size) == ("unigram", 400)
    assert "may hold some of what is held out" in metrics.notes[0]
