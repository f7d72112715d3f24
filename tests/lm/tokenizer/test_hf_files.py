"""The tokenizer in Hugging Face's terms: transformers gives the same ids, and the same text back."""

import json
import random
from itertools import islice
from pathlib import Path
from pydoc_data.topics import topics

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from lm.tokenizer.hf_files import write_hugging_face_tokenizer
from lm.tokenizer.kinds import Kind
from lm.tokenizer.special_tokens import BOUNDARY_ID, BOUNDARY_PIECE, UNKNOWN_ID
from lm.tokenizer.tokenizer import SEGMENT_CHARACTERS, Tokenizer
from lm.tokenizer.training import train_tokenizer

KINDS = ("bpe", "unigram", "char", "byte")
ENGLISH = "\n".join(islice(topics.values(), 24))  # of the Python language reference
HOSTILE = [
    "<s>",
    "</s>",
    "<unk>",
    "<0x41>",
    "<0xE2>",
    BOUNDARY_PIECE,
    "\u2581",
    "\x10",
    "\x100",
    "\x101",
    "\u2585",
    "<",
]
HOSTILE += [
    "\x00",
    " ",
    "   ",
    "\t",
    "\r\n",
    "\n",
    "\n\n\n",
    "\u00a0",
    "\u2028",
    "e\u0301",
    "漢字",
    "👩‍👩‍👧",
    "\ufffd",
    "\ufeff",
]
ANY_TEXT = st.lists(st.text() | st.sampled_from([*HOSTILE, "the", " house", "--", "    "])).map("".join)


@pytest.fixture(scope="module", params=KINDS)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tokenizer, PreTrainedTokenizerBase]:
    folder = tmp_path_factory.mktemp(request.param)
    model = folder / "tokenizer.model"
    model.write_bytes(train_tokenizer([ENGLISH[: len(ENGLISH) // 2]], request.param, 1024, shrink=True))
    assert write_hugging_face_tokenizer(model, folder) is None
    return Tokenizer(model), AutoTokenizer.from_pretrained(folder)


def assert_same(ours: Tokenizer, theirs: PreTrainedTokenizerBase, text: str) -> None:
    ids = theirs(text)["input_ids"]
    assert ids == ours.encode(text).tolist()
    assert theirs.decode(ids) == text


def test_real_text(both: tuple[Tokenizer, PreTrainedTokenizerBase]) -> None:
    """Ids are equal line by line, document by document and for everything at once."""
    for text in [*ENGLISH.split("\n"), *islice(topics.values(), 40), ENGLISH]:
        assert_same(*both, text)


@given(text=ANY_TEXT)
@example(text="".join(HOSTILE))
@example(text="x" * (2 * SEGMENT_CHARACTERS) + "\n" + "\u2581 " * SEGMENT_CHARACTERS + "\n\n")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(both: tuple[Tokenizer, PreTrainedTokenizerBase], text: str) -> None:
    """Ids are equal for any text whatever, and the text comes back."""
    assert_same(*both, text)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_repetitive_text(kind: Kind, tmp_path: Path) -> None:
    """Ids are equal where many ways to cut a text tie: tokenizers of, and texts of, a few characters repeated."""
    chance = random.Random(0)
    model = tmp_path / "tokenizer.model"
    for alphabet in ("ab", "a ", "-= .", "<a\u2581\x10 "):

        def text(units: int, alphabet: str = alphabet) -> str:
            return "".join("".join(chance.choices(alphabet, k=4)) * chance.randint(1, 9) for _ in range(units))

        model.write_bytes(train_tokenizer([text(200)], kind, 400, shrink=True))
        write_hugging_face_tokenizer(model, tmp_path)
        ours, theirs = Tokenizer(model), AutoTokenizer.from_pretrained(tmp_path)
        for _ in range(40):
            assert_same(ours, theirs, text(chance.randint(1, 60)))


def test_long_runs(both: tuple[Tokenizer, PreTrainedTokenizerBase]) -> None:
    """Ids are equal in long runs, where the last digit of a score decides which of the equal ways is taken."""
    for unit in (" ", "  ", "-", "an", "rrs", "."):
        for count in range(1, 400, 3):
            assert_same(*both, unit * count)


def test_the_boundary_is_the_beginning_and_the_end(both: tuple[Tokenizer, PreTrainedTokenizerBase]) -> None:
    """Generation knows where a document starts and ends, adds nothing by itself, and does not show the boundary."""
    ours, theirs = both
    assert theirs.bos_token_id == theirs.eos_token_id == BOUNDARY_ID
    assert theirs.unk_token_id == UNKNOWN_ID
    assert len(theirs) == theirs.vocab_size == ours.vocab_size
    ids = [BOUNDARY_ID, *ours.encode("The end.").tolist(), BOUNDARY_ID]
    assert theirs.decode(ids, skip_special_tokens=True) == "The end." == ours.decode(ids)
    assert theirs.convert_ids_to_tokens(BOUNDARY_ID) == BOUNDARY_PIECE


@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
def test_the_model_beside_it_changes_nothing(architecture: str, tmp_path: Path) -> None:
    """With a model's config in the folder, whose own tokenizer class differs, the ids are still equal."""
    model = tmp_path / "tokenizer.model"
    model.write_bytes(train_tokenizer([ENGLISH[:50_000]], "unigram", 500))
    write_hugging_face_tokenizer(model, tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": architecture, "vocab_size": 500}))
    for text in (ENGLISH[:20_000], "".join(HOSTILE)):
        assert_same(Tokenizer(model), AutoTokenizer.from_pretrained(tmp_path), text)


def test_words_have_no_hugging_face_files(tmp_path: Path) -> None:
    """A word tokenizer says that it has none, and writes nothing that would give other ids."""
    model = tmp_path / "tokenizer.model"
    model.write_bytes(train_tokenizer([ENGLISH], "word", 1024))
    assert "no Hugging Face files" in str(write_hugging_face_tokenizer(model, tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["tokenizer.model"]
