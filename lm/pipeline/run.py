"""The whole run: download → clean → plan → tokenize → train in chunks → evaluate → generate."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

from lm.errors import BadInput, SlowburnError, explained
from lm.pipeline.listener import Listener
from lm.pipeline.notify import notify_run
from lm.pipeline.plan_driver import starting_model
from lm.pipeline.recorder import UnsavedRecorder
from lm.pipeline.seeds import evaluate_others, tell_seeds, train_others
from lm.pipeline.session import Session
from lm.pipeline.steps import PLAIN, Steps
from lm.planning.starting_model import is_from_elsewhere
from lm.run_config import RunConfig
from lm.runs.run_name import new_run_id
from lm.runs.run_record import RunRecord
from lm.store.artifacts import Store

StageName = Literal["download", "clean", "tokenize", "train", "evaluate", "generate"]


def run_pipeline(
    config: RunConfig,
    *,
    run_id: str | None = None,
    until: StageName = "generate",
    replan: bool = False,
    listener: Listener | None = None,
    store: Store | None = None,
    command: str = "",
) -> RunRecord:
    """Run every stage up to `until`, each reused where it is done already, and return the record.

    Heavy work is done in supervised child processes, within the memory of the config. What was saved is kept whatever
    happens: the same call goes on from there. Raises SlowburnError with one line that says what to do.
    """
    name = checked_run_id(run_id or new_run_id(config))
    session = Session(store or Store.default(), config, name, listener or Listener(), command=command)
    return conclude_and_notify(session, lambda: run_until(session, until, replan))


def is_all_done(config: RunConfig, until: StageName, store: Store | None = None) -> bool:
    """Whether every stage up to `until` is there already: found as the run itself would, with nothing written or told.

    No, too, where the run would end with an error: it is the run that tells it.
    """
    if config.init_from and is_from_elsewhere(config.init_from):
        return False  # it would be taken into the store
    try:
        looking = Session(store or Store.default(), config, "", _Looking(), recorder=UnsavedRecorder)
        run_until(looking, until, replan=False)
    except (_MustBeMade, SlowburnError, OSError):
        return False
    return True


class _MustBeMade(Exception):
    """A stage is not there."""


class _Looking(Listener):
    """Ends a run before it makes anything."""

    def guard(self, stage: str, check: Callable[[], None]) -> None:
        raise _MustBeMade(stage)


def run_until(session: Session, until: StageName, replan: bool, steps: Steps = PLAIN) -> None:
    """Do all stages up to `until`."""
    for stage in stages(session, replan, steps):
        if stage == until:
            break


def stages(session: Session, replan: bool, steps: Steps = PLAIN) -> Iterator[StageName]:
    """Do one stage after another, and say which one is complete."""
    start = starting_model(session)
    raw = steps.download(session)
    yield "download"
    cleaned = steps.clean(session, raw)
    yield "clean"
    plan = steps.plan(session, cleaned, start, replan)
    tokens = steps.tokenize(session, cleaned, plan, start)
    yield "tokenize"
    tell_seeds(session, plan)
    model = steps.train(session, tokens, plan, start)
    others = train_others(session, steps, tokens, plan, start)
    yield "train"
    steps.evaluate(session, model, tokens, cleaned)
    evaluate_others(session, steps, plan, model, others, tokens, cleaned)
    yield "evaluate"
    steps.generate(session, model, cleaned)
    yield "generate"


def conclude(session: Session, work: Callable[[], object]) -> None:
    """Do a run's work and close its record, whatever becomes of it. Raises what the work raises."""
    try:
        session.check_min()
        work()
    except OSError as problem:
        error = explained(problem)
        session.finish(error)
        raise error from problem
    except BaseException as error:
        session.finish(error)
        raise
    session.finish()


def conclude_and_notify(session: Session, work: Callable[[], object]) -> RunRecord:
    """Do a run's work, close its record, tell a person where one is to be told, and return the record."""
    try:
        conclude(session, work)
    except Exception:  # not where a person has ended it
        notify_run(session)
        raise
    notify_run(session)
    return session.record


def checked_run_id(name: str) -> str:
    """The name, if it can be a folder's on every system. Raises BadInput."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise BadInput(f"run id: got {name!r}, expected up to 80 letters, digits, dots, dashes and underscores")
    return name
