"""The tokenize stage as a Prefect task."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.pipeline.session import Session
from lm.planning.plan import Plan, tokenize_settings
from lm.planning.reused_tokenizer import reused_tokenizer
from lm.store.artifacts import Artifact
from tasks.stage import run_stage


@task(name="tokenize", task_run_name="tokenize", cache_policy=NO_CACHE)
def tokenize(session: Session, cleaned: Artifact, plan: Plan, start: Artifact | None) -> Artifact:
    """Clean documents to tokens, with a tokenizer trained on the training split alone, or one from elsewhere."""
    config, reused = reused_tokenizer(session.store, session.config)
    given = {name: artifact for name, artifact in (("init", start), ("tokenizer", reused)) if artifact}
    return run_stage(session, session.work("tokenize", tokenize_settings(config, plan), clean=cleaned, **given))
