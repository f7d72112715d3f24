"""Which artifacts there are, and which was made from which."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel

from lm.errors import SlowburnError
from lm.stages import is_known, position, stage_names
from lm.store.artifacts import Artifact, Store


class Lineage(BaseModel, frozen=True):
    """An artifact and those it was made from, or those made from it."""

    stage: str
    key: str
    missing: bool = False
    next: tuple["Lineage", ...] = ()


def artifact_folders(store: Store, stage: str) -> list[Path]:
    """Folders of a stage that hold a manifest, readable or not."""
    return sorted(path.parent for path in store.folder(stage).glob("[!.]*/manifest.json"))


def all_artifacts(store: Store) -> Iterator[Artifact]:
    """Every artifact whose manifest can be read."""
    for stage in stage_names():
        for folder in artifact_folders(store, stage):
            try:
                yield store.open(folder)
            except SlowburnError:
                continue  # `inspect` shows it as damaged, `verify` names it


def origins(store: Store, artifact: Artifact) -> dict[str, Artifact]:
    """The artifacts that one was made from, by stage and in the stages' order, as far as they are here, and itself.

    A model that another was begun from is none of them: it has origins of its own.
    """
    found, waiting = {artifact.manifest.stage: artifact}, [artifact]
    while waiting:
        for stage, key in waiting.pop().manifest.inputs.items():
            if stage in stage_names() and stage not in found and (made_from := store.find(stage, key)):
                found[stage] = made_from
                waiting.append(made_from)
    return {stage: found[stage] for stage in stage_names() if stage in found}


def texts_behind(store: Store, models: Iterable[str]) -> list[Artifact]:
    """The clean texts that models of these keys were trained on, or those that they were begun from; what is here."""
    seen, waiting, texts = set[str](), list(models), dict[str, Artifact]()
    while waiting:
        model = store.find("train", waiting.pop())
        if model is None or model.key in seen:
            continue
        seen.add(model.key)
        if clean := origins(store, model).get("clean"):
            texts[clean.key] = clean
        waiting += [key for name, key in model.manifest.inputs.items() if name == "init"]
    return list(texts.values())


def made_from(artifact: Artifact, artifacts: dict[str, Artifact]) -> tuple[Lineage, ...]:
    """What an artifact was made from, back to the sources."""
    return tuple(_origin(name, key, artifacts) for name, key in artifact.manifest.inputs.items())


def made_into(artifact: Artifact, artifacts: dict[str, Artifact]) -> tuple[Lineage, ...]:
    """What was made from an artifact, and from that, oldest first."""
    followers = [other for other in artifacts.values() if artifact.key in other.manifest.inputs.values()]
    followers.sort(key=lambda other: (position(other.manifest.stage), other.manifest.created, other.key))
    return tuple(
        Lineage(stage=other.manifest.stage, key=other.key, next=made_into(other, artifacts)) for other in followers
    )


def _origin(name: str, key: str, artifacts: dict[str, Artifact]) -> Lineage:
    found = artifacts.get(key)
    if found is None:
        return Lineage(stage=name, key=key, missing=is_known(name))
    return Lineage(stage=found.manifest.stage, key=key, next=made_from(found, artifacts))
