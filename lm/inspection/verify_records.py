"""Whether the records beside the artifacts are what was written: of runs, plans, the machine, the champion, sources."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lm.champions.champion import champion_path, copy_path, load_champion
from lm.clean.pack_file import is_whole
from lm.errors import Damaged, NoAccess, SlowburnError
from lm.inspection.damage import REMAKE, Damage, damage, not_damaged
from lm.planning.machine_record import FILE as MACHINE_FILE
from lm.planning.machine_record import read_machine
from lm.planning.plan import open_plan
from lm.runs.run_record import RUN_FILE, check_memory, list_runs, open_run
from lm.store.artifacts import Store
from lm.store.files import read_json
from lm.train.checkpoint_files import read_checkpoint
from lm.train.downshift import FILE as DOWNSHIFTS_FILE
from lm.train.scratch import CHECKPOINTS, SCHEDULE_FILE

LISTS = ("pins.json", "listings.json", "validators.json")  # of what was downloaded
OTHERS = ("artifacts/tokenizers/[!.]*/comparison.json", "artifacts/pruned.json")
UNFINISHED = (f"{CHECKPOINTS}/step-*.json", SCHEDULE_FILE, DOWNSHIFTS_FILE)


def records(store: Store) -> list[Path]:
    """Every record but the manifests."""
    found = [*store.plans.glob("*.json"), *store.runs.glob(f"*/{RUN_FILE}")]
    found += [path for name in OTHERS for path in store.root.glob(name)]
    found += [path for name in LISTS if (path := store.folder("download") / name).is_file()]
    found += [path for path in (champion_path(store), copy_path(store)) if path.is_file()]
    found += [path for name in UNFINISHED for path in store.folder("train").glob(f".*.partial/{name}")]
    return sorted(found)


def record_damages(store: Store) -> Iterator[Damage]:
    """What is wrong with records and kept parts, and what is missing that they name."""
    for path in records(store):
        if found := _damage(store, path, _reader(store, path)):
            yield found
    for folder in sorted(store.runs.glob("[!.]*/")):
        if not (folder / RUN_FILE).exists():
            yield damage(store, folder / RUN_FILE, "is missing", REMAKE, removed=folder)
    for pack in sorted(store.parts.glob("[!.]*.parquet")):
        if not is_whole(pack) and pack.exists():
            yield damage(store, pack, "holds other bytes than were written", REMAKE)
    for run in list_runs(store):
        if run.plan and not (store.root / run.plan).is_file():
            yield Damage(path=run.plan, what=f"is missing, the plan of run {run.run_id}", remake=run.command or REMAKE)
    if copy_path(store).exists() and not champion_path(store).exists():
        yield _champion(store, champion_path(store), "is missing")


def _reader(store: Store, path: Path) -> Callable[[Path], Any]:
    """What reads a record, and raises Damaged."""
    if path.parent == store.plans:
        return read_machine if path.name == MACHINE_FILE else open_plan
    if path.name == RUN_FILE:
        return lambda record: check_memory(store, open_run(record))
    if path == champion_path(store):
        return lambda record: _check_champion(store)
    return read_checkpoint if path.parent.name == CHECKPOINTS else read_json


def _damage(store: Store, path: Path, read: Callable[[Path], Any]) -> Damage | None:
    try:
        read(path)
    except NoAccess as error:
        return not_damaged(store, path, error)
    except Damaged as error:
        if not path.exists():  # a training goes on, and has removed an older checkpoint
            return None
        what = str(error).rpartition(": ")[0]
        return _repaired(store, path, what.removeprefix(f"{path} "))
    except SlowburnError as error:  # of a newer Slowburn
        return Damage(path=path.relative_to(store.root).as_posix(), what=str(error), remake="update Slowburn")
    return None


def _repaired(store: Store, path: Path, what: str) -> Damage:
    if path in (champion_path(store), copy_path(store)):
        return _champion(store, path, what)
    if path.name == RUN_FILE:
        return damage(store, path, what, REMAKE, removed=path.parent)
    return damage(store, path, what, REMAKE)


def _champion(store: Store, path: Path, what: str) -> Damage:
    """One of the two files is as good as the other."""
    other = champion_path(store) if path == copy_path(store) else copy_path(store)
    return Damage(path=path.relative_to(store.root).as_posix(), what=what, remake=f"cp {other} {path}")


def _check_champion(store: Store) -> None:
    if warning := load_champion(store).warning:
        raise Damaged(warning)
