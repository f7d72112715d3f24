"""The plan as a Prefect task: it measures this machine and tries a few steps, in disposable children."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.model.config import TrainingConfig
from lm.pipeline.session import Session
from lm.planning.machine_record import known_machine
from lm.planning.plan import Plan, make_plan, open_plan, plan_path, trial_seconds
from lm.planning.predict import predict_probe
from lm.planning.reused_tokenizer import reused_tokenizer
from lm.planning.starting_model import with_starting_model
from lm.store.artifacts import Artifact
from tasks.guard import guard
from tasks.publish import publish_plan


@task(name="plan", task_run_name="plan", cache_policy=NO_CACHE)
def plan(session: Session, cleaned: Artifact, start: Artifact | None, replan: bool = False) -> Plan:
    """Exact numbers for what was asked, kept from last time unless `replan`."""
    config, _ = reused_tokenizer(session.store, session.config)
    config = with_starting_model(config, start) if start else config
    path = plan_path(session.store, config, cleaned.key)
    settled = None if replan else open_plan(path)
    if settled is None:
        guard(session, "plan", predict_probe())
        settled = make_plan(
            session.store,
            config,
            cleaned,
            session.budget,
            lambda: _machine(session),
            lambda *trial: _probe(session, *trial),
        )
    session.planned(path, settled)
    publish_plan(settled)
    return settled


def _machine(session: Session) -> dict[str, Any]:
    return known_machine(session.store, lambda: _measure(session), session.config.device)


def _measure(session: Session) -> dict[str, Any]:
    with session.child("plan", None) as child:
        measured: dict[str, Any] = child.call("measure_machine", session.progress("plan"))
        return measured


def _probe(session: Session, recipe: TrainingConfig, vocab_size: int, micro_batch: int, threads: int) -> dict[str, Any]:
    with session.child("plan", None, threads=threads, trains=True) as child:
        probed: dict[str, Any] = child.call(
            "probe",
            session.progress("plan"),
            recipe=recipe.model_dump(mode="json"),
            vocab_size=vocab_size,
            micro_batch=micro_batch,
            device=_machine(session)["device"],
            seconds=trial_seconds(session.config),
        )
        return probed
