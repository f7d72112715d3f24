"""Runs and artifacts found by what people call them."""

import difflib
from pathlib import Path

from lm.errors import BadInput
from lm.runs.lineage import all_artifacts
from lm.runs.pruned import load_pruned, why_gone
from lm.runs.run_record import RUN_FILE, RunRecord, list_runs
from lm.store.artifacts import Artifact, Store

MIN_PREFIX = 4


def find(store: Store, name: str) -> Artifact | RunRecord:
    """Find what is called `name`; see `show`."""
    word = _last_part(store, name)
    runs = {run.run_id: run for run in list_runs(store)}
    artifacts = {artifact.key: artifact for artifact in all_artifacts(store)}
    if word in runs:
        return runs[word]
    if word in artifacts:
        return artifacts[word]
    known = [*runs, *artifacts]
    matches = [known_name for known_name in known if len(word) >= MIN_PREFIX and known_name.startswith(word)]
    if len(matches) == 1:
        return runs.get(matches[0]) or artifacts[matches[0]]
    if matches:
        raise BadInput(f"{name} may mean {', '.join(matches)}: write more of the one you want")
    if not known:
        raise BadInput(
            f"there is nothing called {name}: nothing was made in {store.root} yet; `make run` makes the first one"
        )
    for stage, key in load_pruned(store):
        if len(word) >= MIN_PREFIX and key.startswith(word):
            raise BadInput(f"the artifact {key} of {stage} {why_gone(store, stage, key)}")
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`slowburn inspect` lists what there is"
    raise BadInput(f"there is no run or artifact called {name}: {hint}")


def find_run(store: Store, name: str) -> RunRecord:
    """Find the run called `name`; see `show`. Raises BadInput where that is an artifact."""
    found = find(store, name)
    if not isinstance(found, RunRecord):
        raise BadInput(f"{name} is an artifact of {found.manifest.stage}, expected a run")
    return found


def _last_part(store: Store, name: str) -> str:
    """The run id or key in a path; any other name as it is."""
    path = Path(name)
    for candidate in (path, store.root / path):
        if candidate.is_file():
            return candidate.resolve().parent.name
        if candidate.is_dir() and any((candidate / file).exists() for file in (RUN_FILE, "manifest.json")):
            return candidate.resolve().name
    return path.name if path.name and len(path.parts) > 1 else name
