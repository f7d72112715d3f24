"""What a supervised child can be asked to do: every job takes and returns JSON, and leaves its result on disk.

Imports wait for the job that needs them: a child that cleans text should not weigh as much as one that trains.
"""

import time
from base64 import b64encode
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.memory.usage import own_peak_bytes
from lm.store.artifacts import REPLICAS, Store
from lm.store.versions import versions

if TYPE_CHECKING:
    from lm.supervision.child import Child

State = dict[str, Any]


def make(child: "Child", state: State, *, root: str, stage: str, key: str, config: Any, inputs: dict[str, str]) -> None:
    """Make the artifact of one stage, unless another process made it in the meantime."""
    store = Store(Path(root))
    paths = {name: store.path(name, input_key) for name, input_key in inputs.items()}
    with store.writing(stage, key) as out:
        if store.find(stage, key):
            return
        started = time.monotonic()
        metrics = _work(child, store, stage, paths, config, out)
        store.commit(
            stage,
            key,
            config=config,
            inputs=inputs,
            metrics=metrics,
            seconds=time.monotonic() - started,
            peak_memory_bytes=own_peak_bytes(),
            versions=versions(),
        )


def download(child: "Child", state: State, *, root: str, config: Any) -> str:
    """Fetch what is missing of a corpus and put it together; returns the key, which only now is known."""
    from lm.download.config import DownloadConfig
    from lm.download.stage import assemble, fetch, inputs_of, key_of, resolve, sweep

    store, settings, started = Store(Path(root)), DownloadConfig.model_validate(config), time.monotonic()
    corpus = fetch(settings, resolve(settings, store), store, child.progress)
    key = key_of(corpus)
    assert key
    with store.writing("download", key) as out:
        if store.find("download", key) is None:
            store.commit(
                "download",
                key,
                config=settings.model_dump(mode="json"),
                inputs=inputs_of(corpus),
                metrics=assemble(corpus, store, out, child.progress),
                seconds=time.monotonic() - started,
                peak_memory_bytes=own_peak_bytes(),
                versions=versions(),
            )
    sweep(corpus, store)
    return key


def shard(child: "Child", state: State, *, name: str, arguments: dict[str, Any]) -> None:
    """One job of many that a stage gives to its workers."""
    from lm.supervision import shard_jobs

    getattr(shard_jobs, name)(child.progress, **arguments)


def _work(child: "Child", store: Store, stage: str, paths: dict[str, Path], config: Any, out: Path) -> dict[str, Any]:
    """The stage's own function on its inputs."""
    if stage == "clean":
        from lm.clean.config import CleanConfig
        from lm.clean.memory import cleaning_crew
        from lm.clean.stage import clean

        raw = store.open(paths["download"]).manifest.metrics
        crew = cleaning_crew(int(raw["bytes"]), int(raw["largest_document_bytes"]), child.budget_bytes)
        asked = CleanConfig.model_validate(config)
        return clean(paths["download"], asked, out, child.progress, parts_folder=store.parts, crew=crew)
    if stage == "tokenize":
        from lm.tokenize.config import TokenizeConfig
        from lm.tokenize.stage import tokenize

        reused = paths.get("init") or paths.get("tokenizer")
        return tokenize(paths["clean"], TokenizeConfig.model_validate(config), out, child.progress, reused=reused)
    if stage == "evaluate":
        from lm.evaluate.config import EvaluateConfig
        from lm.evaluate.stage import evaluate

        child.use_torch()
        settings = EvaluateConfig.model_validate(config)
        model, *others = [paths[name] for name in ("train", *REPLICAS) if name in paths]
        return evaluate(model, paths["tokenize"], paths["clean"], settings, out, child.progress, replicas=others)
    from lm.generate.config import GenerateConfig
    from lm.generate.stage import generate

    return generate(paths["train"], paths["clean"], GenerateConfig.model_validate(config), out, child.progress)


def measure_machine(child: "Child", state: State) -> dict[str, Any]:
    """How fast this machine multiplies matrices."""
    child.use_torch()
    from lm.planning.measure_machine import measure

    return measure().model_dump(mode="json")


def import_model(child: "Child", state: State, *, root: str, folder: str) -> str:
    """Take a model folder from elsewhere into the store; returns its key."""
    child.use_torch()
    from lm.planning.import_model import import_model

    return import_model(Store(Path(root)), Path(folder))


def probe(
    child: "Child", state: State, *, recipe: Any, vocab_size: int, micro_batch: int, device: str, seconds: float
) -> dict[str, Any]:
    """A few real steps of a planned training."""
    child.use_torch()
    from lm.model.config import TrainingConfig
    from lm.planning.probe import probe_training

    result = probe_training(
        TrainingConfig.model_validate(recipe),
        vocab_size,
        micro_batch=micro_batch,
        device=device,
        seconds=seconds,
        progress=child.progress,
    )
    return result.model_dump(mode="json")


def start_training(
    child: "Child",
    state: State,
    *,
    root: str,
    key: str,
    recipe: Any,
    tokens: str,
    init: str | None,
    micro_batch: int,
    device: str,
    checkpoint_seconds: float,
    deadline_seconds: float | None = None,
    most_steps: int = 0,
) -> dict[str, Any]:
    """Open a training, from its newest checkpoint if there is one; later jobs of this child go on with it.

    The artifact's lock is held until the child leaves.
    """
    child.use_torch()
    from lm.model.config import TrainingConfig
    from lm.train.deadline import Deadline
    from lm.train.training import Training

    store = Store(Path(root))
    partial = state.setdefault("stack", ExitStack()).enter_context(store.writing("train", key, resumable=True))
    training = Training(
        TrainingConfig.model_validate(recipe),
        store.path("tokenize", tokens),
        partial,
        micro_batch=micro_batch,
        device=device,
        checkpoint_seconds=checkpoint_seconds,
        deadline=Deadline(deadline_seconds, most_steps),
        init=store.path("train", init) if init else None,
    )
    state["training"] = training
    child.stops_itself = True
    return {"step": training.trainer.step_index, "notes": training.notes}


def train_chunk(child: "Child", state: State, *, last_step: int) -> dict[str, Any]:
    """Train until `last_step`, saving on the way and at the end."""
    from lm.train.oom_recovery import OomRecovery

    training = state["training"]
    if not state.get("capped"):  # with its libraries and its model loaded, and before it has freed anything
        child.cap_anew()
        state["capped"] = True
    OomRecovery(child, training).run_until(last_step)
    return {
        "step": training.trainer.step_index,
        "loss": training.metrics.smooth_loss,
        "seconds": training.seconds,
        "is_over": training.is_over,
        "new_end": training.deadline.new_end,
        "notes": training.notes,
    }


def finish_training(
    child: "Child", state: State, *, root: str, key: str, inputs: dict[str, str], downshifts: list[dict[str, Any]]
) -> None:
    """Turn a training that has made all its steps into the model artifact."""
    from lm.train.training import SCRATCH

    training = state["training"]
    metrics = training.finish() | {"downshifts": downshifts}
    Store(Path(root)).commit(
        "train",
        key,
        config=training.recipe.model_dump(mode="json"),
        inputs=inputs,
        metrics=metrics,
        seconds=training.seconds,
        peak_memory_bytes=training.peak_memory_bytes,
        versions=versions(),
        numerics=training.numerics,
        scratch=SCRATCH,
    )
    state["stack"].close()


def write_report(child: "Child", state: State, *, root: str, run_id: str, memory_rows: list[list[Any]]) -> list[str]:
    """Write a run's memory series, draw its report, and return the lines that close the run in the terminal."""
    from lm.report.report import render_report
    from lm.report.run_index import render_index
    from lm.report.summary import closing_lines
    from lm.runs.run_record import RUN_FILE, MemoryRow, open_run, run_folder, save_run, write_memory

    store = Store(Path(root))
    run = open_run(run_folder(store, run_id) / RUN_FILE)
    run.memory = write_memory(store, run_id, [MemoryRow(*row) for row in memory_rows])
    save_run(store, run)
    render_report(store, run)
    render_index(store)
    return closing_lines(store, run)


def show_run(child: "Child", state: State, *, root: str, run_id: str) -> dict[str, Any]:
    """A run's pictures, as PNG in base64 by name, and its samples, as rows."""
    from lm.report.run_facts import gather_facts, read_samples
    from lm.report.run_pictures import pictures_png
    from lm.runs.run_record import RUN_FILE, open_run, run_folder

    store = Store(Path(root))
    facts = gather_facts(store, open_run(run_folder(store, run_id) / RUN_FILE))
    pictures = {name: b64encode(png).decode() for name, png in pictures_png(store, facts).items()}
    return {"pictures": pictures, "samples": [asdict(sample) for sample in read_samples(facts)]}
