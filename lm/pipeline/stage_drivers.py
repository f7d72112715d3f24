"""How each stage but the training is run: reused where it is there, else made in a supervised child."""

import time
from collections.abc import Mapping

from lm.clean.metrics import CleanMetrics
from lm.config import StageConfig
from lm.download.jobs import download as download_job
from lm.download.memory import predict_download
from lm.download.stage import key_of, resolve
from lm.pipeline.session import Session
from lm.planning.plan import Plan, tokenize_settings
from lm.planning.reused_tokenizer import reused_tokenizer
from lm.runs.earlier_text import EARLIER, inputs_of_cleaning
from lm.stages import CLEAN, COMPRESSORS, DOWNLOAD, EVALUATE, GENERATE, TOKENIZE, Stage
from lm.store.artifacts import Artifact


def run_stage(session: Session, stage: Stage, config: StageConfig, **inputs: Artifact) -> Artifact:
    """Reuse a stage's artifact, or have it made now. Raises CannotFit before it starts where it will not fit."""
    work = session.work(stage.name, config, **inputs)
    artifact = session.reuse(stage.name, work.key)
    if artifact:
        return artifact
    assert stage.make, f"{stage.name} has a driver of its own"
    predicted = stage.predict(config, inputs, session.budget.bytes)
    session.guard(stage.name, predicted)
    why, started = session.why(work), session.children.clock.seconds
    with session.children.child(stage.name, work.key, predicted) as child:
        child.call(stage.make, session.children.progress(stage.name), work)
    seconds = session.children.clock.seconds - started
    return session.made(stage.name, work.key, why, seconds, child.peak_bytes, predicted)


def download(session: Session) -> Artifact:
    """Bring every source of the corpus, verified, into one raw artifact."""
    corpus = resolve(session.config.download, session.store)
    for note in corpus.notes:
        session.listener.tell(note)
    key = key_of(corpus)
    artifact = session.reuse(DOWNLOAD.name, key) if key else None
    if artifact:
        return artifact
    predicted = predict_download()
    session.guard(DOWNLOAD.name, predicted)
    why = session.store.why_missing(DOWNLOAD.name, key) if key else "never fetched before"
    started = time.monotonic()
    with session.children.child(DOWNLOAD.name, key, predicted) as child:
        progress = session.children.progress(DOWNLOAD.name)
        key = child.call(download_job, progress, session.store.root, session.config.download)
    return session.made(DOWNLOAD.name, key, str(why), time.monotonic() - started, child.peak_bytes, predicted)


def clean(session: Session, raw: Artifact) -> Artifact:
    """Turn raw files into clean documents, some of them held out."""
    inputs = inputs_of_cleaning(session.store, raw, session.config.clean)
    if EARLIER in inputs:
        session.recorder.need(inputs[EARLIER])
    artifact = run_stage(session, CLEAN, session.config.clean, **inputs)
    for warning in artifact.read_metrics(CleanMetrics).warnings:
        session.listener.tell(warning)
    return artifact


def tokenize(session: Session, cleaned: Artifact, plan: Plan, start: Artifact | None) -> Artifact:
    """Turn clean documents into tokens, with a tokenizer trained on the training split alone, or one from elsewhere."""
    config, reused = reused_tokenizer(session.store, session.config)
    given = {name: artifact for name, artifact in (("init", start), ("tokenizer", reused)) if artifact}
    return run_stage(session, TOKENIZE, tokenize_settings(config, plan), clean=cleaned, **given)


def evaluate(session: Session, model: Artifact, tokens: Artifact, cleaned: Artifact) -> Artifact:
    """Measure the model's bits per byte on the held-out text, beside the baselines."""
    return evaluate_members(session, {"train": model}, tokens, cleaned)


def evaluate_members(
    session: Session, members: Mapping[str, Artifact], tokens: Artifact, cleaned: Artifact
) -> Artifact:
    """Measure a model, or an ensemble of several; what the text costs compressors is measured once for all."""
    asked = session.config.evaluate
    compressors = run_stage(session, COMPRESSORS, asked.compressors, clean=cleaned)
    return run_stage(session, EVALUATE, asked, **members, tokenize=tokens, clean=cleaned, compressors=compressors)


def generate(session: Session, model: Artifact, cleaned: Artifact) -> Artifact:
    """Have the model write samples."""
    return run_stage(session, GENERATE, session.config.generate, train=model, clean=cleaned)
