"""The measuring itself: scores, baselines, intervals and degeneracy, put together into one table."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import exp
from pathlib import Path
from typing import cast

import torch

from lm.compressors.config import COMPRESSORS_FILE
from lm.compressors.stage import CompressorFigures, by_name
from lm.evaluate.bootstrap import interval, resampled_rates
from lm.evaluate.calibration import Calibration, by_tokens_read, count_tokens
from lm.evaluate.config import EvaluateConfig
from lm.evaluate.metrics import EvaluateMetrics
from lm.evaluate.ngram import NGram
from lm.evaluate.result import (
    BitsReport,
    Comparison,
    Evaluation,
    HardToken,
    RepetitionReport,
    SampledRepetition,
    TokensOfContext,
)
from lm.evaluate.scores import LN2, MODEL, Scorers, Scores, score
from lm.model.batch_sampling import Request, Writer, continuations
from lm.model.decoder import load_model
from lm.model.ensemble import EnsembleDecoder
from lm.model.ensemble_inference import load_writer
from lm.model.sampling_params import SamplingParams
from lm.model.scoring import Predictor, window_nats
from lm.progress import Progress
from lm.store.files import read_json
from lm.text import degeneracy
from lm.text.heldout import Extent, extent, sample
from lm.text.heldout_prompts import HeldoutPrompt, heldout_prompts
from lm.tokenize.config import TOKENIZER_FILE
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.tokens import documents as token_documents

SCHEMA_VERSION = 1
WINDOWS = 256  # of the held-out text, that tell what context is worth


def evaluation(
    models: Sequence[Path],
    tokens: Path,
    clean: Path,
    compressors: Path,
    config: EvaluateConfig,
    progress: Progress,
) -> Evaluation:
    """Measure a model, or the mean of several, on the held-out text; return the content of `evaluation.json`."""
    precision = training_precision(models[0]) if config.precision == "auto" else config.precision
    decoder, tokenizer = _predictor(models, precision), Tokenizer(models[0] / TOKENIZER_FILE)
    train, heldout = extent(clean, "train"), extent(clean, "heldout")

    progress(0, heldout.bytes, "byte", "counting n-grams")
    ngram, ngram_bytes = fit_ngram(clean, train, config)
    compressed = cast(CompressorFigures, read_json(compressors / COMPRESSORS_FILE))
    judges = Scorers(decoder, tokenizer, ngram)
    calibration = Calibration(decoder.vocab_size)
    scores = score(judges, heldout, tokens, clean, progress, calibration.add)

    progress(heldout.bytes, heldout.bytes, "byte", "judging samples for repetition")
    return {
        "schema_version": SCHEMA_VERSION,
        **bits_report(scores, judges.ngram_name, by_name(compressed), heldout, config),
        "context": decoder.shape.context,
        "precision": precision,
        "baseline_text": {
            "training_bytes": train.bytes,
            "ngram_bytes": ngram_bytes,
            "compressor_bytes": compressed["training_bytes"],
            "compressed_heldout_bytes": compressed["heldout_bytes"],
            "note": "where less than all: stretches spread evenly over the text, the same every time",
        },
        "degeneracy": judge_samples(load_writer(models), tokenizer, heldout_prompts(clean, config.samples), config),
        "calibration": calibration.report(),
        "by_frequency": calibration.by_frequency(count_tokens(token_documents(tokens, "train"), decoder.vocab_size)),
        "hardest_tokens": _hardest(calibration, tokenizer),
        "by_tokens_read": _by_tokens_read(decoder, tokens, config),
        "by_document": _by_document(scores, judges.ngram_name),
    }


def fit_ngram(clean: Path, train: Extent, config: EvaluateConfig) -> tuple[NGram, int]:
    """Count n-grams in the training text of a clean artifact's folder, or in a part of it; with the bytes counted."""
    texts = sample(clean, "train", train, config.ngram_bytes)
    return NGram.fit(texts, config.ngram_order), sum(map(len, texts))


def _predictor(models: Sequence[Path], precision: str) -> Predictor:
    """The model, or the mean of several, calculating in this precision."""
    decoders = [load_model(model) for model in models]
    for decoder in decoders:
        decoder.compute_dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    return decoders[0] if len(decoders) == 1 else EnsembleDecoder(decoders)


def headline(result: Evaluation) -> EvaluateMetrics:
    """The few numbers of an evaluation that belong into its manifest."""
    baselines = {name: baseline["bits_per_byte"] for name, baseline in result["baselines"].items()}
    return EvaluateMetrics(
        bits_per_byte=result["bits_per_byte"],
        ci95=result["ci95"],
        nats_per_byte=result["nats_per_byte"],
        perplexity_per_token=result["perplexity_per_token"],
        bytes=result["bytes"],
        tokens=result["tokens"],
        verdict=result["verdict"],
        baselines=baselines,
        degeneracy=result["degeneracy"]["verdict"],
    )


def training_precision(model: Path) -> str:
    """The precision that the model's manifest says it was trained in; fp32 where there is none."""
    manifest = model / "manifest.json"
    return str(read_json(manifest)["config"].get("precision", "fp32")) if manifest.exists() else "fp32"


def bits_report(
    scores: Scores, ngram: str, compressed: Mapping[str, float], heldout: Extent, config: EvaluateConfig
) -> BitsReport:
    """The table of the model and its baselines, and the verdict against the n-gram."""
    baselines = {
        name: _comparison(scores, name, scores.bits_per_byte(name), config) for name in scores.nats if name != MODEL
    } | {name: _comparison(scores, None, bits, config) for name, bits in compressed.items()}
    nats, tokens = sum(scores.nats[MODEL]), sum(scores.tokens)
    return {
        "bits_per_byte": scores.bits_per_byte(),
        "ci95": _interval(scores.nats[MODEL], scores, config),
        "ci95_units": {"unit": "document" if heldout.block_bytes is None else "block", "units": len(scores.bytes)},
        "nats_per_byte": nats / sum(scores.bytes),
        "perplexity_per_token": exp(nats / tokens),
        "bytes": sum(scores.bytes),
        "tokens": tokens,
        "documents": len(scores.documents),
        "baselines": baselines,
        "verdict": _verdict(ngram, baselines[ngram]),
    }


def judge_samples(
    model: Writer, tokenizer: Tokenizer, starts: list[HeldoutPrompt], config: EvaluateConfig
) -> RepetitionReport:
    """How repetitive the model's text is at several temperatures, beside as much human text from the same places."""
    prompts = [tokenizer.encode(start.text).tolist() for start in starts] or [[]]
    requests = [
        Request(prompts[index % len(prompts)], config.seed + index, SamplingParams(temperature=temperature))
        for temperature in config.temperatures
        for index in range(config.samples)
    ]
    written = zip(requests, continuations(model, requests, config.sample_tokens), strict=True)
    samples = list[SampledRepetition]()
    for temperature, rows in groupby(written, lambda row: row[0].sampling.temperature):
        measured = degeneracy.summary([tokenizer.decode(tokens) for _, tokens in rows])
        human = degeneracy.summary(start.continuation[: round(measured["characters"])] for start in starts)
        samples.append({"temperature": temperature, **measured, "human": human})
    usual = min(samples, key=lambda row: abs(row["temperature"] - SamplingParams().temperature))
    return {
        "verdict": usual["verdict"],
        "score": usual["score"],
        "temperature": usual["temperature"],
        "samples": samples,
        "human": usual["human"],
    }


def _interval(amounts: list[float], scores: Scores, config: EvaluateConfig) -> list[float] | None:
    """95 % interval of nats, given for each unit, as bits a byte."""
    ends = interval(resampled_rates(amounts, scores.bytes, resamples=config.resamples, seed=config.seed))
    return [end / LN2 for end in ends] if ends else None


def _comparison(scores: Scores, name: str | None, bits: float, config: EvaluateConfig) -> Comparison:
    """A baseline beside the model, over the same resampled units; one that judges no single unit counts as exact."""
    per_unit = scores.nats[name] if name else [bits * LN2 * size for size in scores.bytes]
    differences = [mine - other for mine, other in zip(scores.nats[MODEL], per_unit, strict=True)]
    return {
        "bits_per_byte": bits,
        "nats_per_byte": bits * LN2,
        "model_minus_this": scores.bits_per_byte() - bits,
        "model_minus_this_ci95": _interval(differences, scores, config),
    }


def _verdict(name: str, comparison: Comparison) -> str:
    """In plain words whether the model beats a baseline."""
    difference, ends = comparison["model_minus_this"], comparison["model_minus_this_ci95"]
    if ends is None:
        words = "beats" if difference < 0 else "loses to"
        return f"{words} the {name} by {abs(difference):.3f} bits per byte (too little held-out text for an interval)"
    if ends[0] <= 0 <= ends[1]:
        low, high = ends
        return f"is level with the {name}: {difference:+.3f} bits per byte (95 % interval {low:+.3f} to {high:+.3f})"
    low, high = sorted(map(abs, ends))
    words = "beats" if difference < 0 else "loses to"
    return f"{words} the {name} by {abs(difference):.3f} bits per byte (95 % interval {low:.3f} to {high:.3f})"


def _hardest(calibration: Calibration, tokenizer: Tokenizer) -> list[HardToken]:
    """The tokens that cost the model the most each, as text where they are text."""
    return [
        {"token": token, "text": tokenizer.decode([token]), "occurrences": occurrences, "nats_per_token": nats}
        for token, occurrences, nats in calibration.hardest()
    ]


def _by_tokens_read(model: Predictor, tokens: Path, config: EvaluateConfig) -> list[TokensOfContext]:
    """Mean nats by how much the model has read before: what a longer context is worth to it."""
    context = model.shape.context
    count = sum(-(-len(document) // context) for document in token_documents(tokens, "heldout"))
    nats = window_nats(model, token_documents(tokens, "heldout"), max(round(count / WINDOWS), 1))
    return by_tokens_read(nats, config.resamples, config.seed)


def _by_document(scores: Scores, ngram: str) -> list[dict[str, str | float]]:
    """Bits per byte of each held-out document, in the order of the clean text."""
    rows = list[dict[str, str | float]]()
    for index, group in groupby(range(len(scores.bytes)), scores.document_of.__getitem__):
        of_units = list(group)
        size = sum(scores.bytes[unit] for unit in of_units)
        document = scores.documents[index]
        rows.append(
            {
                "document_id": document.document_id,
                "source": document.source,
                "title": document.title,
                "bytes": size,
                "tokens": sum(scores.tokens[unit] for unit in of_units),
                "bits_per_byte": sum(scores.nats[MODEL][unit] for unit in of_units) / (LN2 * size),
                f"{ngram}_bits_per_byte": sum(scores.nats[ngram][unit] for unit in of_units) / (LN2 * size),
            }
        )
    return rows
