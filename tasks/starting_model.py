"""The model that training starts from, where one was asked for."""

from pathlib import Path

from lm.pipeline.session import Session
from lm.planning.starting_model import find_starting_model
from lm.store.artifacts import Artifact


def starting_model(session: Session) -> Artifact | None:
    """The model that `init_from` names, taken into the store if it comes from elsewhere; None without one."""
    if session.config.init_from is None:
        return None
    return find_starting_model(session.store, session.config.init_from, lambda folder: _import(session, folder))


def _import(session: Session, folder: Path) -> str:
    key: str = session.ask("train", "import_model", folder=str(folder))
    return key
