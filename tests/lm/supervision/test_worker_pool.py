"""Workers: an error of one is the stage's own, and none outlives the stage."""

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lm.clean import part_making
from lm.clean.config import CleanConfig
from lm.clean.stage import clean
from lm.errors import BadInput
from lm.progress import silent
from lm.supervision.worker_pool import WorkerPool
from tests.conftest import PROJECT
from tests.lm.clean.test_clean import raw_artifact
from tests.lm.clean.test_parts import MIB, prose

STARTED = """
import sys
from pathlib import Path
from lm.clean import part_making
from lm.clean.config import CleanConfig
from lm.clean.stage import clean
from lm.progress import silent
from lm.supervision.worker_pool import WorkerPool
part_making.SHARD_BYTES = 20_000
raw, out, parts = map(Path, sys.argv[1:])
clean(raw, CleanConfig(), out, silent, parts_folder=parts, crew=WorkerPool(2, 400 << 20))
"""


def test_what_is_wrong_in_a_worker_is_said_as_it_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives that expand to too much are the same one line, each alone or both together, and no worker is left."""
    monkeypatch.setattr(part_making, "SHARD_BYTES", 1000)
    raw = raw_artifact(tmp_path / "raw", {f"{n}.gz": gzip.compress(prose(n, 400).encode()) for n in range(4)})
    (tmp_path / "out").mkdir()
    words, before = [], psutil.Process().children()
    for most in (1000, 40_000):  # less than one of them has, and less than all have
        for crew in (WorkerPool(), WorkerPool(2, 400 * MIB)):
            with pytest.raises(BadInput, match="max_expanded_bytes") as refused:
                clean(raw, CleanConfig(max_expanded_bytes=most), tmp_path / "out", silent, crew=crew)
            words.append(str(refused.value))
    assert (words[0], words[2]) == (words[1], words[3])
    assert psutil.Process().children() == before
    assert not list((tmp_path / "out").glob(".*"))


def test_workers_go_when_their_stage_is_killed(tmp_path: Path) -> None:
    """kill -9 of the process that cleans leaves none of its workers at work."""
    rows = "".join(json.dumps({"text": prose(number, 400)}) + "\n" for number in range(100))
    raw = raw_artifact(tmp_path / "raw", {f"{number}.jsonl": rows.encode() for number in range(6)})
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-c", STARTED, str(raw), str(tmp_path / "out"), str(tmp_path / "parts")]
    with subprocess.Popen(command, cwd=PROJECT) as process:
        stage, deadline = psutil.Process(process.pid), time.monotonic() + 120
        while not list(tmp_path.glob("parts/.*.tmp")) and time.monotonic() < deadline:
            time.sleep(0.005)
        workers = stage.children()
        process.send_signal(signal.SIGKILL)
    assert len(workers) == 2
    _, left = psutil.wait_procs(workers, timeout=60)
    assert not left
