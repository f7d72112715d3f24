"""The models beside the main one: the same training with other seeds, and the mean of all."""

from collections.abc import Iterator

from lm.formatting import format_duration
from lm.pipeline.session import Session
from lm.pipeline.stage_drivers import evaluate_members
from lm.pipeline.steps import Steps
from lm.planning.plan import Plan
from lm.runs.seeds import ENSEMBLE
from lm.store.artifacts import Artifact
from lm.store.layout import REPLICAS


def tell_seeds(session: Session, plan: Plan) -> None:
    """Say what several seeds will take."""
    seeds = session.config.seeds
    if seeds > 1:
        each, together = format_duration(plan.seconds), format_duration(seeds * plan.seconds)
        session.listener.tell(f"train: {seeds} seeds, about {each} each: {together} in all")


def train_others(
    session: Session, steps: Steps, tokens: Artifact, plan: Plan, start: Artifact | None
) -> list[Artifact]:
    """Train the models of the other seeds, each reused or continued where it is there."""
    models = []
    for name, seed in _others(session, plan):
        others = plan.model_copy(update={"recipe": plan.recipe_of(seed)})
        with session.variant(name):
            models.append(steps.train(session, tokens, others, start))
    return models


def evaluate_others(
    session: Session,
    steps: Steps,
    plan: Plan,
    main: Artifact,
    others: list[Artifact],
    tokens: Artifact,
    cleaned: Artifact,
) -> None:
    """Measure the models of the other seeds, and the mean of all of them."""
    for (name, _), model in zip(_others(session, plan), others, strict=True):
        with session.variant(name):
            steps.evaluate(session, model, tokens, cleaned)
    if others:
        members = dict(zip(REPLICAS, [main, *others], strict=False))
        with session.variant(ENSEMBLE):
            evaluate_members(session, members, tokens, cleaned)


def _others(session: Session, plan: Plan) -> Iterator[tuple[str, int]]:
    """Name and seed of each model but the main one."""
    for seed in range(plan.recipe.seed + 1, plan.recipe.seed + session.config.seeds):
        yield f"seed {seed}", seed
