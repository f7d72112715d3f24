"""How the plan is settled: this machine is measured and a training tried, in disposable children."""

from pathlib import Path

from lm.formatting import format_duration
from lm.model.config import TrainingConfig
from lm.pipeline.session import Session
from lm.planning.forecast import seconds_left
from lm.planning.jobs import import_model, measure_tokens, try_training
from lm.planning.machine import TrainingMachine
from lm.planning.measuring import measured_machine
from lm.planning.plan import Plan, make_plan, open_plan, plan_path, trial_seconds
from lm.planning.reused_tokenizer import reused_tokenizer
from lm.planning.starting_model import find_starting_model, with_starting_model
from lm.planning.trial_result import TrialResult
from lm.run_config import RunConfig
from lm.store.artifacts import Artifact
from lm.train.memory import min_training_bytes

PLAN = "plan"
KINDS = ("bpe", "unigram")  # of tokenizers, whose tokens are those of a sample, about


def starting_model(session: Session) -> Artifact | None:
    """Find the model that `init_from` names, taken into the store if it comes from elsewhere; None without one."""
    if session.config.init_from is None:
        return None

    def take_in(folder: Path) -> str:
        with session.children.child("train", None) as child:
            key = child.call(import_model, session.children.progress("train"), session.store.root, folder)
        session.recorder.end()
        return key

    return session.recorder.need(find_starting_model(session.store, session.config.init_from, take_in))


def plan(session: Session, cleaned: Artifact, start: Artifact | None, replan: bool = False) -> Plan:
    """Settle exact numbers for what was asked; those of last time are kept unless `replan`."""
    config, reused = reused_tokenizer(session.store, session.config)
    if reused:
        session.recorder.need(reused)
    config = with_starting_model(config, start) if start else config
    path = plan_path(session.store, config, cleaned.key)
    settled = None if replan else open_plan(path)
    if settled is None:
        session.guard(PLAN, min_training_bytes())
        settled = make_plan(
            session.store,
            config,
            cleaned,
            session.budget,
            lambda: _machine(session),
            lambda *trial: _try(session, *trial),
            lambda: _measure_text(session, cleaned),
        )
    session.planned(path, settled)
    left = seconds_left(config, session.store, session.budget, settled.machine, cleaned, settled)
    if left is not None:
        session.children.time_left.planned(left, settled.seconds)
        session.listener.tell(
            f"plan: {_training(config, settled)}; the whole rest of the run, about {format_duration(left)}"
        )
    return settled


def _training(config: RunConfig, plan: Plan) -> str:
    if config.train.steps:
        return f"{config.train.steps:,} steps of training, about {format_duration(plan.seconds)}"
    return f"{format_duration(plan.seconds)} of training, about {plan.recipe.steps:,} steps"


def _machine(session: Session) -> TrainingMachine:
    progress = session.children.progress(PLAN)
    return measured_machine(
        session.store,
        lambda: session.children.child(PLAN, None),
        session.config.device,
        progress,
        session.listener.tell,
    )


def _measure_text(session: Session, cleaned: Artifact) -> dict[int, float]:
    if session.config.tokenize.kind not in KINDS:
        return {}
    with session.children.child(PLAN, None) as child:
        return child.call(measure_tokens, session.children.progress(PLAN), cleaned.path)


def _try(session: Session, recipe: TrainingConfig, vocab_size: int, micro_batch: int, threads: int) -> TrialResult:
    device, seconds = _machine(session).device, trial_seconds(session.config)
    with session.children.child(PLAN, None, threads=threads, trains=True) as child:
        progress = session.children.progress(PLAN)
        return child.call(try_training, progress, recipe, vocab_size, micro_batch, device, seconds)
