"""What every stage's task does: reuse what is there, else ask the guard, have it made, show it."""

from lm.pipeline.session import Session, Work
from lm.store.artifacts import Artifact
from tasks.guard import guard
from tasks.publish import publish_stage


def run_stage(session: Session, work: Work) -> Artifact:
    """The stage's artifact, reused or made now."""
    artifact = session.reuse(work.stage, work.key)
    if artifact is None:
        guard(session, work.stage, session.predicted_bytes(work))
        artifact = session.make(work)
    publish_stage(session, artifact)
    return artifact
