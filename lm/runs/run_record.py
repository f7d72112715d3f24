"""`run.json`, what one run did, and `memory.parquet` beside it, the memory it took while it did it.

The record is written when the run starts and after every change, so it tells the truth of a run that is still going,
and of one that was killed: its status is then still "running".
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from lm.errors import SlowburnError
from lm.memory.budget import Budget
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, read_json, replace_atomically, write_json

RUN_FILE = "run.json"
MEMORY_FILE = "memory.parquet"
REPORT_FILE = "report.html"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class StageRecord(_Record):
    """A stage that is complete: the artifact it stands for, and whether this run had to make it.

    `path` is relative to the root that holds `data/` and `artifacts/`. `reason` says in a few words why the stage was
    computed or could be reused. Time and memory are this run's, so a reused stage took next to nothing of either.
    """

    key: str
    path: str
    status: Literal["computed", "reused"]
    reason: str
    seconds: float
    peak_memory_bytes: int | None = None
    predicted_memory_bytes: int | None = None


class TrainRecord(StageRecord):
    """The training stage. A reused one repeats what its manifest says."""

    steps: int
    resumed_from_step: int | None
    weights_sha256: str


class UnfinishedStage(_Record):
    """The stage that a run was in when it stopped, failed or was last heard of."""

    stage: str
    key: str | None = None
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    predicted_memory_bytes: int | None = None
    progress: str = ""  # how far it came, in words: "step 120 of 500"


class RunRecord(_Record):
    """One run, as `run.json` keeps it.

    `config` is what was asked for. `plan` and `memory` name files by their path relative to the root. `command` is
    what to type to run this again. `memory_retries` counts how often training ran out of memory and went on by itself,
    in smaller pieces; nothing else is counted there. `decision` is what a retraining decided about the champion.
    `variants` are the stages of the models beside the main one: "seed 2", "seed 3", …, which differ in their seed
    alone, and "ensemble", the mean of all, which is only evaluated.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str
    status: Literal["running", "paused", "completed", "stopped", "failed"] = "running"
    reason: str = ""
    command: str = ""
    corpus: list[str]
    config: dict[str, Any]
    budget: Budget
    plan: str | None = None
    started: str
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    memory_retries: int = 0
    stages: dict[str, TrainRecord | StageRecord] = {}
    variants: dict[str, dict[str, TrainRecord | StageRecord]] = {}
    unfinished: UnfinishedStage | None = None
    memory: str | None = None
    decision: str = ""

    @property
    def reused(self) -> bool:
        """Whether the run is complete and nothing had to be computed."""
        return self.status == "completed" and all(stage.status == "reused" for _, stage in self.every_stage())

    def every_stage(self) -> Iterator[tuple[str, StageRecord]]:
        """Name and record of every stage, those of other seeds too."""
        for stages in (self.stages, *self.variants.values()):
            yield from stages.items()

    @property
    def models(self) -> list[str]:
        """Keys of the trained models: the main one, then the other seeds."""
        return [stages["train"].key for stages in (self.stages, *self.variants.values()) if "train" in stages]


class MemoryRow(NamedTuple):
    """One look at memory during a run; `seconds` count from the run's start.

    `tree_bytes` is the process tree of the stage, which `budget_bytes` bounds; `orchestrator_bytes` is what the
    orchestrating process holds beside it, `available_bytes` what the machine has left.
    """

    stage: str
    seconds: float
    tree_bytes: int
    orchestrator_bytes: int
    available_bytes: int
    budget_bytes: int


def run_folder(store: Store, run_id: str) -> Path:
    """Where a run's `run.json`, `memory.parquet` and `report.html` are."""
    return store.runs / run_id


def save_run(store: Store, run: RunRecord) -> Path:
    """Write `run.json`, whole or not at all, and return its path."""
    path = run_folder(store, run.run_id) / RUN_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, run.model_dump(mode="json"))
    return path


def open_run(path: Path) -> RunRecord:
    """Read a `run.json`. Raises SlowburnError when it is missing, damaged or of a newer schema."""
    try:
        return RunRecord.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SlowburnError(f"{path} is not the record of a run ({where}: {first['msg']})") from error


def list_runs(store: Store) -> list[RunRecord]:
    """Every run whose record can be read, newest first."""
    runs = []
    for path in store.runs.glob(f"*/{RUN_FILE}"):
        try:
            runs.append(open_run(path))
        except SlowburnError:
            continue  # `python -m lm verify` names it
    return sorted(runs, key=lambda run: (run.started, run.run_id), reverse=True)


def write_memory(store: Store, run_id: str, rows: Sequence[MemoryRow]) -> str | None:
    """Write all memory rows of a run so far to its `memory.parquet`, atomically; returns its path below the root.

    Without rows nothing is written, and None returned. Call it again after each stage with the longer list, from a
    child process: pyarrow weighs 100 MiB. Same rows, same bytes.
    """
    if not rows:
        return None
    import pyarrow as pa  # deferred: reading and writing `run.json` must stay light
    import pyarrow.parquet as pq

    from lm.arrow.arrays import table_of

    path = run_folder(store, run_id) / MEMORY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    types = [pa.string(), pa.float64(), *[pa.int64()] * 4]
    schema = pa.schema(
        list(zip(MemoryRow._fields, types, strict=True)), metadata={"schema_version": str(SCHEMA_VERSION)}
    )
    table = table_of(zip(*rows, strict=True), schema)
    with replace_atomically(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return path.relative_to(store.root).as_posix()


def read_memory(store: Store, run: RunRecord) -> list[MemoryRow]:
    """The memory rows of a run; none where none were kept."""
    if run.memory is None or not (store.root / run.memory).is_file():
        return []
    from pyarrow.parquet import ParquetFile  # deferred, like pyarrow above

    return [MemoryRow(**row) for row in ParquetFile(store.root / run.memory).read().to_pylist()]
