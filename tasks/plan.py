"""The plan as a Prefect task: it measures this machine and tries a few steps, in disposable children."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.model.config import TrainingConfig
from lm.pipeline.session import Session
from lm.planning.machine import TrainingMachine
from lm.planning.measuring import measured_machine
from lm.planning.plan import Plan, make_plan, open_plan, plan_path, trial_seconds
from lm.planning.reused_tokenizer import reused_tokenizer
from lm.planning.starting_model import with_starting_model
from lm.planning.trial_result import TrialResult
from lm.store.artifacts import Artifact
from lm.train.memory import predict_probe
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


def _machine(session: Session) -> TrainingMachine:
    progress = session.progress("plan")
    return measured_machine(session.store, lambda: session.child("plan", None), session.config.device, progress)


def _probe(session: Session, recipe: TrainingConfig, vocab_size: int, micro_batch: int, threads: int) -> TrialResult:
    with session.child("plan", None, threads=threads, trains=True) as child:
        result = child.call(
            "probe",
            session.progress("plan"),
            recipe=recipe.model_dump(mode="json"),
            vocab_size=vocab_size,
            micro_batch=micro_batch,
            device=_machine(session).device,
            seconds=trial_seconds(session.config),
        )
        return TrialResult.model_validate(result)
