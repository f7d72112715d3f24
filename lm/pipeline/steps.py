"""The functions that a run consists of: as they are here, or wrapped by whoever orchestrates them."""

from collections.abc import Callable
from dataclasses import dataclass

from lm.pipeline import plan_driver, stage_drivers, train_driver
from lm.pipeline.session import Session
from lm.planning.plan import Plan
from lm.store.artifacts import Artifact


@dataclass(frozen=True)
class Steps:
    """One function for each step of a run."""

    download: Callable[[Session], Artifact] = stage_drivers.download
    clean: Callable[[Session, Artifact], Artifact] = stage_drivers.clean
    plan: Callable[[Session, Artifact, Artifact | None, bool], Plan] = plan_driver.plan
    tokenize: Callable[[Session, Artifact, Plan, Artifact | None], Artifact] = stage_drivers.tokenize
    train: Callable[[Session, Artifact, Plan, Artifact | None], Artifact] = train_driver.train
    evaluate: Callable[[Session, Artifact, Artifact, Artifact], Artifact] = stage_drivers.evaluate
    generate: Callable[[Session, Artifact, Artifact], Artifact] = stage_drivers.generate


PLAIN = Steps()
