"""The numbers of an evaluation are what they say: every held-out byte once, beside baselines, with an interval."""

import ast
import importlib
import inspect
import pydoc_data.topics
import shutil
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from lm.compressors.stage import compress
from lm.errors import SlowburnError
from lm.evaluate.bootstrap import interval, resampled_rates
from lm.evaluate.calibration import Calibration
from lm.evaluate.config import EvaluateConfig
from lm.evaluate.ngram import NGram
from lm.evaluate.stage import evaluate
from lm.model.decoder import Decoder, load_model, save_model
from lm.model.scoring import token_nats, windows
from lm.progress import silent
from lm.store.files import read_json
from lm.text.degeneracy import degeneracy
from lm.text.documents import Document, read_documents
from lm.text.heldout import units
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.stage import tokenize
from lm.tokenizer.special_tokens import BOUNDARY_ID
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.tokens import documents as token_documents
from tests.lm.conftest import Toy
from tests.lm.documents import write_documents

QUICK = EvaluateConfig(samples=2, sample_tokens=40, temperatures=(0.8,), resamples=200)


def direct_nats(model: Decoder, before: list[int], tokens: list[int]) -> np.ndarray:
    """-ln p of tokens after others, by one plain forward pass."""
    inputs = [*before, *tokens]
    with torch.no_grad():
        logits = model(torch.tensor([inputs[:-1]]))[0, len(before) - 1 :]
    return F.cross_entropy(logits, torch.tensor(tokens), reduction="none").numpy()


@given(st.integers(0, 500), st.integers(1, 70))
def test_windows_count_every_token_once(length: int, context: int) -> None:
    """Together the windows count each token once, in order, none longer than the context, half of it seen before."""
    cut = list(windows(0, length, context))
    counted = [place for window in cut for place in range(window.scored, window.end)]
    assert counted == list(range(length))
    for window in cut:
        assert window.end - window.start <= context
        assert window.start == 0 or window.scored - window.start >= min(context // 2, context - 1)


def test_a_short_document_is_scored_as_by_one_forward_pass(toy: Toy) -> None:
    """Within a context, windows and batches change nothing: each token has the loss of the whole document at once."""
    model = load_model(toy.model)
    short = [list(map(int, tokens[:40])) for tokens in token_documents(toy.tokens, "heldout")]
    scored = token_nats(model, [np.array(tokens) for tokens in [*short, []]])
    for tokens, nats in zip([*short, []], scored, strict=True):
        assert len(nats) == len(tokens)
        if tokens:
            np.testing.assert_allclose(nats, direct_nats(model, [BOUNDARY_ID], tokens), atol=1e-5)


def test_a_long_document_is_scored_window_by_window(toy: Toy) -> None:
    """Past the context every token has the loss that a forward pass over its own window gives."""
    model, context = load_model(toy.model), 48
    tokens = list(map(int, next(token_documents(toy.tokens, "train"))[:150]))
    expected = [direct_nats(model, [BOUNDARY_ID], tokens[:context])]
    for end in (72, 96, 120, 144, 150):
        start = end - context
        expected.append(direct_nats(model, [tokens[start - 1]], tokens[start:end])[-(end - (end - 1) // 24 * 24) :])
    (nats,) = token_nats(model, [np.array(tokens)])
    np.testing.assert_allclose(nats, np.concatenate(expected), atol=1e-5)


@given(st.text(max_size=80), st.integers(1, 40) | st.none())
def test_units_put_together_are_the_document(text: str, block_bytes: int | None) -> None:
    """Blocks end with whole characters; their tokens and bytes are those of the text, none twice, none left out."""
    tokens = np.frombuffer(text.encode("utf-8"), np.uint8)  # a token a byte: many ends inside a character
    cut = list(units(text.encode(), tokens, lambda ids: bytes(ids.tolist()).decode(errors="replace"), block_bytes))
    assert [unit.first_token for unit in cut] == [0, *(unit.end_token for unit in cut)][: len(cut)]
    assert [unit.first_byte for unit in cut] == [0, *(unit.end_byte for unit in cut)][: len(cut)]
    assert sum(unit.end_token - unit.first_token for unit in cut) == len(tokens)
    assert "".join(text.encode()[unit.first_byte : unit.end_byte].decode() for unit in cut) == text


def test_the_interval_is_as_wide_as_theory_says() -> None:
    """For many units of one size the bootstrap's interval is the mean ± 1.96 standard errors; for one there is none."""
    nats = np.random.default_rng(3).normal(2.0, 0.5, 400)
    ends = interval(resampled_rates(nats, np.ones(400)))
    assert ends == pytest.approx((nats.mean() - 0.049, nats.mean() + 0.049), abs=0.008)
    assert interval(resampled_rates(nats, np.ones(400))) == ends
    assert interval(resampled_rates([1.0], [1.0])) is None


def human_texts() -> list[str]:
    """Stretches of a thousand characters from the help topics and the docstrings of the standard library."""
    texts = list(pydoc_data.topics.topics.values())
    for name in ("argparse", "logging", "random", "statistics", "subprocess", "typing", "unittest.mock", "zipfile"):
        tree = ast.parse(Path(inspect.getfile(importlib.import_module(name))).read_text(encoding="utf-8"))
        nodes = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module))
        texts.append("\n\n".join(filter(None, map(ast.get_docstring, nodes))))
    return [text[start : start + 1000] for text in texts for start in range(0, len(text) - 999, 2500)]


def test_human_text_is_healthy() -> None:
    """Help topics with their tables and docstrings with their examples: hardly any of it counts as repetitive."""
    verdicts = [degeneracy(text).verdict for text in human_texts()]
    assert len(verdicts) > 150
    assert verdicts.count("healthy") >= 0.99 * len(verdicts)
    assert "collapsed" not in verdicts


@pytest.mark.parametrize(
    "text",
    ["e" * 1000, "ab" * 300, "the " * 250, "\n" * 500, "- " * 300, ("-" * 50 + "\n") * 20, "I am the king.\n" * 60,
     "a long sentence that says something, but only once, and then says it again. " * 12,
     "日" * 300, "of the king of the king the of king king of the of the the king " * 15],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_a_collapsed_text_is_called_so(text: str) -> None:
    """One character, word, line or sentence over and over, or three words in any order: collapsed, also later on."""
    beginning = "It began like a text that a person may have written, with words that differ from each other. "
    assert degeneracy(text).verdict == "collapsed"
    assert degeneracy(beginning + text).verdict == "collapsed"
    assert degeneracy(beginning).verdict == "healthy"


def test_an_evaluation_counts_the_whole_heldout_text(toy: Toy, tmp_path: Path) -> None:
    """Bits per byte are the nats of all held-out tokens over the bytes of the text; documents add up to it."""
    metrics = evaluate(toy.model, toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path, silent)
    result = read_json(tmp_path / "evaluation.json")
    heldout = list(read_documents(toy.clean, "heldout"))
    size = sum(len(document.text.encode()) for document in heldout)
    tokens = list(token_documents(toy.tokens, "heldout"))
    nats = sum(float(row.sum()) for row in token_nats(load_model(toy.model), tokens))
    assert (result["bytes"], result["tokens"]) == (size, sum(map(len, tokens)))
    assert result["bits_per_byte"] == pytest.approx(nats / (size * log(2)), rel=1e-6)
    assert result["nats_per_byte"] == pytest.approx(nats / size, rel=1e-6)
    assert result["perplexity_per_token"] == pytest.approx(exp(nats / result["tokens"]), rel=1e-6)
    assert result["ci95"][0] < result["bits_per_byte"] < result["ci95"][1]
    assert result["ci95_units"] == {"unit": "document", "units": 24}
    rows = result["by_document"]
    assert [row["document_id"] for row in rows] == [document.document_id for document in heldout]
    assert sum(row["bits_per_byte"] * row["bytes"] for row in rows) == pytest.approx(result["bits_per_byte"] * size)
    assert metrics.bits_per_byte == result["bits_per_byte"]


def test_a_model_is_measured_in_the_precision_it_was_trained_in(toy: Toy, tmp_path: Path) -> None:
    """The manifest's precision is used and recorded; bf16 moves bits per byte by less than a hundredth."""
    shutil.copytree(toy.model, tmp_path / "model")
    (tmp_path / "model" / "manifest.json").write_text('{"config": {"precision": "bf16"}}')
    fp32 = evaluate(toy.model, toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path, silent)
    assert read_json(tmp_path / "evaluation.json")["precision"] == "fp32"
    bf16 = evaluate(tmp_path / "model", toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path, silent)
    assert read_json(tmp_path / "evaluation.json")["precision"] == "bf16"
    assert 0 < abs(bf16.bits_per_byte - fp32.bits_per_byte) < 0.01


def test_baselines_are_fitted_on_the_training_text_alone(toy: Toy, tmp_path: Path) -> None:
    """Unigram, 5-gram and compressors stand in one table, in bits per byte of the same text."""
    evaluate(toy.model, toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path, silent)
    result = read_json(tmp_path / "evaluation.json")
    train = [document.text.encode() for document in read_documents(toy.clean, "train")]
    heldout = [document.text.encode() for document in read_documents(toy.clean, "heldout")]
    nats = sum(NGram.fit(train).nats(text).sum(axis=1, dtype=float) for text in heldout)  # (order,)
    baselines = result["baselines"]
    assert list(baselines) == ["unigram", "5-gram", "PPMd (static)", "PPMd (adaptive)"]
    assert baselines["5-gram"]["bits_per_byte"] == pytest.approx(nats[-1] / result["bytes"] / log(2))
    assert baselines["unigram"]["bits_per_byte"] == pytest.approx(nats[0] / result["bytes"] / log(2))
    assert result["verdict"].startswith("loses to the 5-gram by")  # the toy has seen too little to do better
    low, high = baselines["5-gram"]["model_minus_this_ci95"]
    assert 0 < low < baselines["5-gram"]["model_minus_this"] < high
    assert result["baseline_text"]["ngram_bytes"] == sum(map(len, train))


def test_large_texts_are_compared_on_a_stated_sample(toy: Toy, tmp_path: Path) -> None:
    """Where the training text exceeds the cap, the baselines see a part of it, and the evaluation says how much."""
    config = QUICK.model_copy(update={"ngram_bytes": 50_000, "compressor_bytes": 30_000})
    compress(toy.clean, config.compressors, tmp_path, silent)
    evaluate(toy.model, toy.tokens, toy.clean, tmp_path, config, tmp_path, silent)
    said = read_json(tmp_path / "evaluation.json")["baseline_text"]
    assert 10_000 < said["ngram_bytes"] <= 50_000 < said["training_bytes"]
    assert 10_000 < said["compressor_bytes"] <= 30_000
    assert "spread evenly" in said["note"]


def test_the_same_evaluation_has_the_same_bytes(toy: Toy, tmp_path: Path) -> None:
    """Nothing in evaluation.json depends on the moment it was made."""
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        evaluate(toy.model, toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path / name, silent)
    first, again = ((tmp_path / name / "evaluation.json").read_bytes() for name in ("first", "again"))
    assert first == again


def test_few_documents_are_judged_by_blocks(toy: Toy, tmp_path: Path) -> None:
    """One held-out document still has an interval: its units are blocks of text, and the evaluation says so."""
    folders = [tmp_path / name for name in ("clean", "tokens", "out")]
    for folder in folders:
        folder.mkdir()
    clean, tokens, out = folders
    train, heldout = list(read_documents(toy.clean, "train")), list(read_documents(toy.clean, "heldout"))
    merged = Document("all", "one", "\n".join(document.text for document in heldout), "heldout")
    write_documents([*train, merged], clean)
    tokenize(clean, TokenizeConfig(vocab_size=512), tokens, silent)
    evaluate(toy.model, tokens, clean, toy.compressors, QUICK, out, silent)
    result = read_json(out / "evaluation.json")
    assert result["ci95_units"]["unit"] == "block"
    assert 50 <= result["ci95_units"]["units"] <= 70
    assert result["ci95"][0] < result["bits_per_byte"] < result["ci95"][1]
    assert len(result["by_document"]) == 1


def test_a_model_that_only_repeats_is_found_out(toy: Toy, tmp_path: Path) -> None:
    """Samples of a collapsed model are called collapsed beside the healthy human text of the same places."""
    model = load_model(toy.model)
    letter = int(Tokenizer(toy.model / "tokenizer.model").encode("e")[0])
    with torch.no_grad():
        for name, matrix in model.named_parameters():
            if name.endswith(("self_attn.o_proj.weight", "mlp.down_proj.weight")):
                matrix.zero_()
        weight = model.model.embed_tokens.weight
        weight.fill_(0.01)  # every state points the same way, and the letter's output furthest along it
        weight[letter] = 0.5
        model.model.norm.weight.fill_(1.0)
    (tmp_path / "tokenizer.model").write_bytes((toy.model / "tokenizer.model").read_bytes())
    save_model(tmp_path, model.shape, model.vocab_size, dict(model.named_parameters()))
    evaluate(tmp_path, toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path, silent)
    judged = read_json(tmp_path / "evaluation.json")["degeneracy"]
    assert judged["verdict"] == "collapsed"
    assert judged["human"]["verdict"] == "healthy"
    for row in judged["samples"]:
        assert row["human"]["characters"] <= row["characters"] + 1


def test_tokens_of_another_text_are_refused(toy: Toy, tmp_path: Path) -> None:
    """Numbers over the wrong text would look right: tokens that do not spell the held-out text are one clear line."""
    documents = list(read_documents(toy.clean))
    changed = [Document(d.document_id, d.source, d.text.replace("the", "The"), d.split, d.title) for d in documents]
    heldout = [document for document in documents if document.split == "heldout"]
    train = [document for document in documents if document.split == "train"]
    for other in (changed, train + heldout[:-1], train + heldout + heldout[:1]):
        write_documents(other, tmp_path)
        with pytest.raises(SlowburnError) as refusal:
            evaluate(toy.model, toy.tokens, tmp_path, toy.compressors, QUICK, tmp_path, silent)
        assert "not those of the held-out text" in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert not (tmp_path / "evaluation.json").exists()


def test_a_calibrated_model_has_no_calibration_error(toy: Toy, tmp_path: Path) -> None:
    """Tokens drawn from the stated probabilities give an error near 0; overconfidence shows as what it is."""
    random = np.random.default_rng(1)
    logits = torch.from_numpy(random.normal(0, 2, (20_000, 6)).astype(np.float32))
    shares = logits.softmax(dim=-1)
    came = torch.multinomial(shares, 1, generator=torch.Generator().manual_seed(1))[:, 0]
    honest, boastful = Calibration(6), Calibration(6)
    honest.add(logits, came, F.cross_entropy(logits, came, reduction="none"))
    boastful.add(3 * logits, came, F.cross_entropy(3 * logits, came, reduction="none"))
    assert honest.report()["expected_calibration_error"] < 0.02
    assert boastful.report()["expected_calibration_error"] > 0.15
    assert sum(row["tokens"] for row in honest.report()["bins"]) == 20_000


def test_what_reading_on_is_worth_is_measured_in_whole_windows(toy: Toy, tmp_path: Path) -> None:
    """The loss after n tokens is that of plain forward passes over windows that begin n tokens before."""
    evaluate(toy.model, toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path, silent)
    rows = read_json(tmp_path / "evaluation.json")["by_tokens_read"]
    model, context = load_model(toy.model), 48
    nats = []
    for document in token_documents(toy.tokens, "heldout"):
        whole = [BOUNDARY_ID, *map(int, document)]
        for start in range(0, len(document), context):
            nats.append(direct_nats(model, whole[start : start + 1], whole[start + 1 : start + 1 + context]))
    assert [(row["least_read"], row["most_read"]) for row in rows][:4] == [(1, 1), (2, 2), (3, 4), (5, 8)]
    for row in rows:
        expected = np.concatenate([window[row["least_read"] - 1 : row["most_read"]] for window in nats])
        assert row["tokens"] == len(expected)
        assert row["nats_per_token"] == pytest.approx(float(expected.mean()), abs=1e-4)
        assert row["ci95"][0] <= row["nats_per_token"] <= row["ci95"][1]


def test_the_evaluation_says_what_is_hard(toy: Toy, tmp_path: Path) -> None:
    """Calibration, loss by frequency and the hardest tokens count every held-out token once; rare tokens cost more."""
    evaluate(toy.model, toy.tokens, toy.clean, toy.compressors, QUICK, tmp_path, silent)
    result = read_json(tmp_path / "evaluation.json")
    assert 0 < result["calibration"]["expected_calibration_error"] < 0.5
    for rows in (result["calibration"]["bins"], result["by_frequency"]):
        assert sum(row["tokens"] for row in rows) == result["tokens"]
    nats = sum(row["tokens"] * row["nats_per_token"] for row in result["by_frequency"])
    assert nats == pytest.approx(result["bits_per_byte"] * result["bytes"] * log(2), rel=1e-5)
    assert result["by_frequency"][0]["nats_per_token"] > result["by_frequency"][-1]["nats_per_token"]
    alone = [row["by_count_alone"] for row in result["by_frequency"]]
    assert alone == sorted(alone, reverse=True)
    hardest = [row["nats_per_token"] for row in result["hardest_tokens"]]
    assert hardest == sorted(hardest, reverse=True)
    assert all(row["occurrences"] >= 10 for row in result["hardest_tokens"])
