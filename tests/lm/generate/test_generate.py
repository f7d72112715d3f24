"""Generated text: drawn as asked, the same for the same seed, whole characters, and traced to where it comes from."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import lm.text.longest_match
import lm.text.seeds
from lm.errors import BadInput
from lm.generate.config import GenerateConfig
from lm.generate.stage import generate, stream
from lm.model.batch_sampling import Request, continuations
from lm.model.decoder import load_model
from lm.model.inference import Cache, Inference
from lm.model.sample_token import likeliest, sample_token
from lm.model.sampling_params import SamplingParams
from lm.progress import silent
from lm.store.artifacts import Store
from lm.text.documents import Document, read_documents
from lm.text.heldout_prompts import openings
from lm.text.longest_match import longest_matches
from lm.tokenizer.special_tokens import BOUNDARY_ID
from lm.tokenizer.text_stream import TextStream
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.training import train_tokenizer
from tests.lm.conftest import Toy

GREEDY = SamplingParams(temperature=0)
logits_of_any_shape = st.lists(st.floats(-20, 20), min_size=1, max_size=12)


def probabilities(
    logits: Sequence[float] | np.ndarray, sampling: SamplingParams, text: Sequence[int] = ()
) -> np.ndarray:
    """The distribution that a token is drawn from: (V,) -> (V,)."""
    scores = np.asarray(logits, np.float64)
    tokens, shares = likeliest(scores, sampling, text)
    result = np.zeros_like(scores)
    result[tokens] = shares / shares.sum()
    return result


@given(logits_of_any_shape, st.floats(0, 1, exclude_max=True), st.floats(0.05, 3), st.floats(0.01, 1))
def test_top_p_draws_from_the_smallest_nucleus(
    logits: list[float], uniform: float, temperature: float, top_p: float
) -> None:
    """What is left holds top_p of the probability, would not without its last token, and every draw comes from it."""
    plain = probabilities(logits, SamplingParams(temperature=temperature, top_p=1))
    cut = probabilities(logits, SamplingParams(temperature=temperature, top_p=top_p))
    kept = plain[cut > 0]
    assert cut.sum() == pytest.approx(1)
    assert kept.sum() >= top_p - 1e-9
    assert kept.sum() - kept.min() < top_p + 1e-9
    assert kept.min() >= plain[cut == 0].max(initial=0)
    assert cut[sample_token(logits, uniform, SamplingParams(temperature=temperature, top_p=top_p))] > 0


def test_draws_come_as_often_as_their_probability_says() -> None:
    """Evenly spread uniform numbers draw every token in its share; temperature 0 always takes the likeliest."""
    logits = np.log([0.5, 0.3, 0.2])
    warm, spread = SamplingParams(temperature=1, top_p=1), (np.arange(1000) + 0.5) / 1000
    assert np.bincount([sample_token(logits, uniform, warm) for uniform in spread]).tolist() == [500, 300, 200]
    assert {sample_token(logits, uniform, GREEDY) for uniform in spread} == {0}
    assert probabilities(logits, SamplingParams(temperature=1, top_p=1, top_k=2)) == pytest.approx([0.625, 0.375, 0])
    assert probabilities(logits, SamplingParams(temperature=1, top_p=1, min_p=0.5)) == pytest.approx([0.625, 0.375, 0])


@pytest.mark.parametrize(
    ("setting", "value"),
    [("temperature", -0.1), ("temperature", float("nan")), ("top_p", 0), ("top_p", 1.01), ("top_k", -1), ("tokens", 0),
     ("tokens", 10**9), ("samples", 0), ("seed", -1), ("warmth", 1)],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused_by_name(setting: str, value: float) -> None:
    """A setting out of its range, or one that does not exist, is refused with its name."""
    with pytest.raises(ValidationError) as refusal:
        GenerateConfig(**{setting: value})
    assert [error["loc"] for error in refusal.value.errors()] == [(setting,)]


def test_the_cache_changes_no_text(toy: Toy) -> None:
    """Greedy text with the key-value cache is what the whole forward pass says, token for token."""
    model, prompt = load_model(toy.model), [BOUNDARY_ID, 70, 80, 90]
    text = list(prompt)
    while len(text) < model.shape.context:
        with torch.no_grad():
            logits = model(torch.tensor([text]))[0, -1]
        logits[0] = -torch.inf
        text.append(int(logits.argmax()))
    writer = Inference.load(toy.model)
    written = continuations(writer, [Request(prompt[1:], 0, GREEDY)], len(text) - len(prompt))
    assert written == [text[len(prompt) :]]


def test_text_goes_on_past_the_context_and_does_not_depend_on_its_neighbours(toy: Toy) -> None:
    """Samples of several prompts, lengths and settings at once are those that each seed gives alone, in any order."""
    model = Inference.load(toy.model)
    requests = [
        Request(prompt, seed, SamplingParams(temperature=temperature))
        for seed, (prompt, temperature) in enumerate([([], 0.8), ([70] * 5, 0), ([80, 90], 1.2), ([75] * 200, 0.5)])
    ]
    together = continuations(model, requests, 100)
    assert max(map(len, together)) > 2 * model.shape.context
    assert [continuations(model, [request], 100)[0] for request in requests] == together
    assert continuations(model, requests[::-1], 100) == together[::-1]


def test_text_ends_where_the_model_ends_it(toy: Toy) -> None:
    """A continuation stops before the boundary token; the others go on."""
    wild = SamplingParams(temperature=100, top_p=1)
    written = continuations(Inference.load(toy.model), [Request([], seed, wild) for seed in range(8)], 400)
    assert all(BOUNDARY_ID not in tokens for tokens in written)
    assert min(map(len, written)) < 400


@settings(deadline=None)
@given(st.data())
def test_streamed_pieces_are_whole_characters_and_lose_nothing(toy: Toy, data: st.DataObject) -> None:
    """Whatever tokens come, the pieces together are the text of all of them, and no valid character is torn."""
    tokenizer = Tokenizer(toy.model / "tokenizer.model")
    character = st.characters(exclude_categories=["Cs"]).map(lambda text: tokenizer.encode(text).tolist())
    anything = st.integers(0, tokenizer.vocab_size - 1).map(lambda token: [token])
    tokens = list(chain(*data.draw(st.lists(character | anything, max_size=30))))
    text = TextStream(tokenizer)
    pieces = [text.add(token) for token in tokens] + [text.rest()]
    assert "".join(pieces) == tokenizer.decode(tokens)


def test_the_stream_is_the_sample(toy: Toy, tmp_path: Path) -> None:
    """What the terminal shows piece by piece is what the samples hold for the same prompt and seed."""
    config = GenerateConfig(prompts=("The ", ""), samples=2, tokens=60, seed=5)
    generate(toy.model, toy.clean, config, tmp_path, silent)
    for row in pq.read_table(tmp_path / "samples.parquet").to_pylist():
        pieces = list(stream(toy.model, row["prompt"], config, tokens=60, seed=row["seed"]))
        assert "".join(pieces) == row["text"]
        assert len(pieces) > 10


def test_samples_are_written_traced_and_the_same_every_time(toy: Toy, tmp_path: Path) -> None:
    """Defaults give samples from an empty page and from held-out openings; their nearest passage is really there."""
    config = GenerateConfig(tokens=120)
    for folder in (tmp_path / "first", tmp_path / "again"):
        folder.mkdir()
        metrics = generate(toy.model, toy.clean, config, folder, silent)
    file = tmp_path / "first" / "samples.parquet"
    assert file.read_bytes() == (tmp_path / "again" / "samples.parquet").read_bytes()
    table = pq.read_table(file)
    assert table.schema.metadata[b"schema_version"] == b"1"
    rows = table.to_pylist()
    heldout = [document.text for document in read_documents(toy.clean, "heldout")]
    training = {document.document_id: document.text for document in read_documents(toy.clean, "train")}
    prompts = {row["prompt"] for row in rows}
    assert len(rows) == 8
    assert "" in prompts
    assert all(any(prompt in text for text in heldout) for prompt in prompts)
    traced = [row for row in rows if row["nearest_text"]]
    assert traced
    for row in traced:
        assert row["nearest_text"] in row["text"]
        document = training[row["nearest_document"]]
        around = row["nearest_before"] + row["nearest_text"] + row["nearest_after"]
        place = document.index(around) + len(row["nearest_before"])
        assert row["nearest_line"] == document[:place].count("\n") + 1
        assert row["nearest_source"] == "python-docs"
    assert metrics.longest_match_characters == max(len(row["nearest_text"]) for row in traced)
    assert metrics.human_longest_match_characters
    assert metrics.human_longest_match_characters > 20  # topics repeat their phrases, across the split too
    metrics.model_dump_json()


def test_a_prompt_longer_than_the_context_is_cut_and_said(toy: Toy, tmp_path: Path) -> None:
    """The end of a long prompt counts, and the metrics say how much of it."""
    metrics = generate(toy.model, toy.clean, GenerateConfig(prompts=("word " * 400,), tokens=5), tmp_path, silent)
    assert len(metrics.notes) == 1
    assert "reads 48 at once" in metrics.notes[0]
    told: list[str] = []
    stream(toy.model, "word " * 400, SamplingParams(), tokens=5, seed=1, tell=told.append)
    assert tuple(told) == metrics.notes


def test_a_request_that_makes_no_sense_is_refused_before_anything_is_written(toy: Toy, tmp_path: Path) -> None:
    """Half a surrogate pair, as a terminal makes it of bytes that are not UTF-8, a negative seed, a model cut short."""
    for name in ("config.json", "tokenizer.model", "model.safetensors"):
        (tmp_path / name).write_bytes((toy.model / name).read_bytes())
    (tmp_path / "model.safetensors").write_bytes((toy.model / "model.safetensors").read_bytes()[:-100])
    out = tmp_path / "out"
    out.mkdir()
    for refused in (
        lambda: generate(toy.model, toy.clean, GenerateConfig(prompts=("caf\udce9",)), out, silent),
        lambda: generate(tmp_path, toy.clean, GenerateConfig(), out, silent),
        lambda: stream(toy.model, "caf\udce9", SamplingParams(), tokens=5, seed=1),
        lambda: stream(toy.model, "", SamplingParams(), tokens=5, seed=-1),
        lambda: stream(toy.model, "", SamplingParams(), tokens=0, seed=1),
        lambda: stream(tmp_path, "", SamplingParams(), tokens=5, seed=1),
    ):
        with pytest.raises(BadInput) as refusal:
            refused()
        assert "\n" not in str(refusal.value)
    assert not list(out.iterdir())


few_letters = st.text(alphabet="ab é\n", max_size=60)


@settings(max_examples=200)
@given(st.lists(few_letters, max_size=4), st.lists(few_letters, max_size=4))
def test_the_longest_match_is_the_longest(texts: list[str], documents: list[str]) -> None:
    """The match found has the length that trying everything finds, and is in the document it names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lm.text.longest_match, "BLOCK_BYTES", 25)  # so that documents are cut and joined
        patch.setattr(lm.text.seeds, "PAIRS_AT_ONCE", 3)
        passages = [Document(str(index), "source", text, "train") for index, text in enumerate(documents)]
        found = longest_matches(texts, passages)
    for text, match in zip(texts, found, strict=True):
        longest = max((len(shared) for other in documents for shared in common_bytes(text, other)), default=0)
        if match is None:
            assert longest < lm.text.longest_match.SEED_BYTES
        else:
            assert len(match.text.encode()) >= longest - 2  # halves of characters at its ends are left out
            assert match.text in text
            document = documents[int(match.document_id)]
            starts = [hit.start() for hit in re.finditer(f"(?={re.escape(match.text)})", document)]
            assert match.line in [document[:start].count("\n") + 1 for start in starts]
            assert match.before in document and match.after in document


def common_bytes(one: str, other: str) -> list[bytes]:
    """Every stretch of bytes that stands in both."""
    first, second = one.encode(), other.encode()
    stretches = {first[a:b] for a in range(len(first)) for b in range(a + 1, len(first) + 1)}
    return [stretch for stretch in stretches if stretch in second]


@given(st.lists(st.text(alphabet="ab \n", max_size=120), min_size=1, max_size=12), st.integers(1, 5))
def test_openings_are_beginnings_with_their_continuations(texts: list[str], count: int) -> None:
    """Every opening stands in a text and is followed there by its continuation; never more than asked for."""
    found = list(openings(texts, sum(map(len, texts)), len(texts), count))
    assert len(found) <= count
    for opening in found:
        assert opening.text
        assert opening.continuation.strip()
        assert any(text.endswith(opening.text + opening.continuation) for text in texts)


def test_a_text_ends_before_the_first_stop_string(toy: Toy, tmp_path: Path) -> None:
    """Streamed or in batches: the text up to where the string would begin, whatever tokens it is made of."""
    plain = GenerateConfig(prompts=("The ",), samples=4, tokens=80, seed=3)
    generate(toy.model, toy.clean, plain, tmp_path, silent)
    whole = [row["text"] for row in pq.read_table(tmp_path / "samples.parquet").to_pylist()]
    stops = (whole[0][10:13], whole[1][20:22])
    stopping = plain.model_copy(update={"stop": stops})
    metrics = generate(toy.model, toy.clean, stopping, tmp_path, silent)
    rows = pq.read_table(tmp_path / "samples.parquet").to_pylist()
    for row, text in zip(rows, whole, strict=True):
        end = min([text.find(stop) for stop in stops if stop in text], default=len(text))
        assert row["text"] == text[:end]
        pieces = stream(toy.model, "The ", plain, tokens=80, seed=row["seed"], stop=stops)
        assert "".join(pieces) == row["text"]
    assert metrics.tokens < 4 * 80


@given(st.lists(st.floats(-20, 20), min_size=3, max_size=300), st.floats(1.01, 5), st.data())
def test_the_repetition_penalty_makes_what_was_said_less_likely(
    logits: list[float], penalty: float, data: st.DataObject
) -> None:
    """Logits of the text's tokens shrink if positive and grow if negative (CTRL); the boundary's stays as it is."""
    said = data.draw(st.lists(st.integers(2, len(logits) - 1), max_size=5))
    penalised = [
        logit if token not in said else logit / penalty if logit > 0 else logit * penalty
        for token, logit in enumerate(logits)
    ]
    free = SamplingParams(temperature=1, top_p=1)
    found = probabilities(
        logits, SamplingParams(temperature=1, top_p=1, repetition_penalty=penalty), [BOUNDARY_ID, *said]
    )
    np.testing.assert_allclose(found, probabilities(penalised, free), atol=1e-12)


def command(store: Store, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"SLOWBURN_ROOT": str(store.root)}
    return subprocess.run([sys.executable, "-m", "lm", *words], env=environment, capture_output=True, input=given)


def test_the_command_line_writes_from_many_prompts(toy_store: Store, tmp_path: Path) -> None:
    """Prompts from a file and from standard input, several samples, JSON lines; the same seed gives the same bytes."""
    (tmp_path / "prompts.txt").write_text("The first\n\nThe second\n")
    words = ("generate", "--prompts-from", str(tmp_path / "prompts.txt"), "--samples", "2", "--tokens", "9", "--json")
    done = command(toy_store, *words)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["prompt"], row["seed"]) for row in rows] == [
        ("The first", 1), ("The first", 2), ("The second", 3), ("The second", 4)]  # fmt: skip
    assert command(toy_store, *words).stdout == done.stdout
    streamed = command(toy_store, "generate", "--prompt", "-", "--tokens", "9", given="caf\u00e9 ".encode())
    assert streamed.stdout.startswith("caf\u00e9 ".encode())


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (["--prompt", "-"], b"caf\xe9", b"not UTF-8"),
        (["--top-p", "0"], b"", b"--top-p: got 0.0"),
        (["--temperature", "-1"], b"", b"--temperature"),
        (["--tokens", "999999999"], b"", b"--tokens"),
        (["--stop", ""], b"", b"--stop"),
        (["--prompts-from", "/nowhere/at/all"], b"", b"cannot be read"),
        (["no-such-model"], b"", b"inspect"),
    ],
)
def test_what_cannot_be_done_is_one_line(toy_store: Store, words: list[str], given: bytes, said: bytes) -> None:
    """Bytes that are no text, settings out of range, a file or a model that is not there."""
    done = command(toy_store, "generate", *words, given=given)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_a_model_of_another_tokenizer_is_refused(toy: Toy, tmp_path: Path) -> None:
    """A vocabulary that is not the model's is said, with both sizes."""
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((toy.model / name).read_bytes())
    (tmp_path / "tokenizer.model").write_bytes(train_tokenizer(["Some text. " * 9], "char", 400, shrink=True))
    with pytest.raises(BadInput, match="do not belong together"):
        stream(tmp_path, "", SamplingParams(), tokens=5, seed=1)


def test_the_writing_model_is_the_trained_one(toy: Toy) -> None:
    """Logits of prompts at once and token by token are those of the model that was trained, to the last few bits."""
    model, writer = load_model(toy.model), Inference.load(toy.model)
    tokens = np.random.default_rng(1).integers(2, 500, (3, 40))
    with torch.no_grad():
        expected = model(torch.from_numpy(tokens))[:, -1].numpy()
    cache = Cache(writer.shape, 3)
    np.testing.assert_allclose(writer.logits(tokens, cache), expected, atol=1e-4)
    cache = Cache(writer.shape, 3)
    writer.logits(tokens[:, :17], cache)
    for place in range(17, 40):
        logits = writer.logits(tokens[:, place : place + 1], cache)
    np.testing.assert_allclose(logits, expected, atol=1e-4)
