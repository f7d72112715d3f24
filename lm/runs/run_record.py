"""`run.json`, what one run did, and `memory.parquet` beside it, the memory it took while it did it.

The record is written when the run starts and after every change, so it tells the truth of a run that is still going,
and of one that was killed: its status is then still "running".
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel

from lm.errors import Damaged, SlowburnError
from lm.memory.budget import Budget
from lm.stages import is_known
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, Moment, read_record, replace_atomically, sha256_of, write_record

if TYPE_CHECKING:
    import pyarrow as pa

RUN_FILE = "run.json"
MEMORY_FILE = "memory.parquet"
REPORT_FILE = "report.html"


class StageRecord(BaseModel, extra="forbid", validate_assignment=True):
    """A stage that is complete: the artifact it stands for, and whether this run had to make it.

    The root is the folder that holds `data/` and `artifacts/`.
    """

    key: str  # of the artifact
    path: str  # of the artifact, below the root
    status: Literal["computed", "reused"]
    reason: str  # why it was computed or could be reused
    seconds: float  # of this run: a reused stage takes next to none
    peak_memory_bytes: int | None = None  # of this run
    predicted_memory_bytes: int | None = None


class TrainRecord(StageRecord):
    """The training stage. A reused one repeats what its manifest says."""

    steps: int
    resumed_from_step: int | None  # null where it began at 0
    weights_sha256: str


class UnfinishedStage(BaseModel, extra="forbid", validate_assignment=True):
    """The stage that a run was in when it stopped, failed or was last heard of."""

    stage: str
    key: str | None = None
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    predicted_memory_bytes: int | None = None
    progress: str = ""  # how far it came, in words, such as: step 120 of 500


class RunRecord(BaseModel, extra="forbid", validate_assignment=True):
    """One run, as `run.json` keeps it."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    status: Literal["running", "paused", "completed", "stopped", "failed"] = "running"
    reason: str = ""  # why it stopped or failed, in one line
    error: str = ""  # the kind of what ended it early, such as BadInput or CannotFit
    command: str = ""  # what to type to run this again
    corpus: list[str]  # what was asked for, without secrets
    config: dict[str, Any]  # what was asked for: the settings
    budget: Budget
    plan: str | None = None  # path of the plan, below the root
    started: Moment  # UTC, RFC 3339
    seconds: float = 0.0
    peak_memory_bytes: int | None = None  # of all stages
    memory_retries: int = 0  # how often training ran out of memory and went on by itself in smaller pieces
    stages: dict[str, TrainRecord | StageRecord] = {}  # by the stage's name
    variants: dict[str, dict[str, TrainRecord | StageRecord]] = {}  # of the further seeds, and of their ensemble
    unfinished: UnfinishedStage | None = None
    needs: list[str] = []  # keys of further artifacts that it uses, as long as it goes on
    memory: str | None = None  # path of memory.parquet, below the root
    memory_sha256: str | None = None  # of memory.parquet
    decision: str = ""  # what a retraining decided about the champion

    @property
    def again(self) -> str:
        """What to type to run this again; a run that a worker did has no command."""
        return self.command or f"slowburn run --like {self.run_id}"

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
    """One look at memory during a run."""

    stage: str
    seconds: float  # since the run's start
    tree_bytes: int  # of the stage's process tree
    orchestrator_bytes: int  # of the orchestrating process, which is not in the tree
    available_bytes: int  # that the machine has left
    budget_bytes: int  # that bounds tree_bytes


def run_folder(store: Store, run_id: str) -> Path:
    """Where a run's `run.json`, `memory.parquet` and `report.html` are."""
    return store.runs / run_id


def save_run(store: Store, run: RunRecord) -> Path:
    """Write `run.json`, whole or not at all, and return its path."""
    path = run_folder(store, run.run_id) / RUN_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, run.model_dump(mode="json"))
    return path


def open_run(path: Path) -> RunRecord:
    """Read a `run.json`. Raises SlowburnError when it is missing, damaged or of a newer schema."""
    repair = f"`rm -r {path.parent}` forgets this run, what it made stays"
    run = read_record(path, RunRecord, repair)
    if run.run_id != path.parent.name:
        raise Damaged(f"{path} is the record of run {run.run_id}: {repair}")
    for stage, _ in run.every_stage():
        if not is_known(stage):
            raise Damaged(f"{path} names the stage {stage}, which there is not: {repair}")
    return run


def list_runs(store: Store) -> list[RunRecord]:
    """Every run whose record can be read, newest first."""
    runs = []
    for path in store.runs.glob(f"*/{RUN_FILE}"):
        try:
            runs.append(open_run(path))
        except SlowburnError:
            continue  # `slowburn verify` names it
    return sorted(runs, key=lambda run: (run.started, run.run_id), reverse=True)


def write_memory(store: Store, run_id: str, rows: Sequence[MemoryRow]) -> str | None:
    """Write all memory rows of a run so far to its `memory.parquet`, atomically; returns its path below the root.

    Without rows nothing is written, and None returned. Call it again after each stage with the longer list, from a
    child process: pyarrow weighs 100 MiB. Same rows, same bytes.
    """
    if not rows:
        return None
    import pyarrow.parquet as pq  # deferred: reading and writing `run.json` must stay light

    from lm.arrow.arrays import table_of

    path = run_folder(store, run_id) / MEMORY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table_of(zip(*rows, strict=True), memory_schema())
    with replace_atomically(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return path.relative_to(store.root).as_posix()


def memory_schema() -> "pa.Schema":
    """Columns of `memory.parquet`."""
    import pyarrow as pa

    types = [pa.string(), pa.float64(), *[pa.int64()] * 4]
    columns = list(zip(MemoryRow._fields, types, strict=True))
    return pa.schema(columns, metadata={"schema_version": str(SCHEMA_VERSION)})


def check_memory(store: Store, run: RunRecord) -> None:
    """Raise Damaged where the memory rows of a run are not those that were written; of older runs that is not known."""
    if run.memory and run.memory_sha256:
        path = store.root / run.memory
        if not path.is_file() or sha256_of(path) != run.memory_sha256:
            raise Damaged(f"{path} does not hold what was written: the curve of this run's memory is lost")


def read_memory(store: Store, run: RunRecord) -> list[MemoryRow]:
    """The memory rows of a run; none where none were kept. Raises Damaged."""
    if run.memory is None or not (store.root / run.memory).is_file():
        return []
    check_memory(store, run)
    from pyarrow.parquet import ParquetFile  # deferred, like pyarrow above

    return [MemoryRow(**row) for row in ParquetFile(store.root / run.memory).read().to_pylist()]
