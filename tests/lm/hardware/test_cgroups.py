"""Limits that a container or a batch system sets: memory and cores follow them, on both versions of cgroups."""

from pathlib import Path

import pytest

from lm.hardware import cgroups, cores
from lm.memory import headroom
from lm.memory.budget import resolve_budget

MIB = 2**20
V1 = "4:memory:/job/step\n1:cpu,cpuacct:/job/step\n"
V2 = "0::/job/step\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /sys/fs/cgroup; `membership` in it is what the process's own file says."""
    monkeypatch.setattr(cgroups, "CGROUP_ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "PROC_CGROUP", tmp_path / "membership")
    monkeypatch.setattr(cores, "_allowed_cores", lambda: 64)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.mark.parametrize(("high", "budget"), [("max", 600), ("500M", 400)])
def test_where_the_kernel_slows_down_is_a_limit(system: Path, high: str, budget: int) -> None:
    """`memory.high` below `memory.max`: beyond it a program is throttled to a standstill, so it is kept."""
    (system / "membership").write_text(V2)
    throttle = str(500 * MIB) if high == "500M" else high
    limits = {"memory__max": str(700 * MIB), "memory__high": throttle, "memory__current": "0"}
    write(system / "job" / "step", **limits)
    found = resolve_budget(None, orchestrator_bytes=100 * MIB)
    assert (found.bytes, found.source) == (budget * MIB, "cgroup")
    assert headroom.headrooms(headroom.limited_cgroups())[1].limit_bytes == (budget + 100) * MIB


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [("200000", "100000", 2), ("50000", "100000", 1), ("150000", "100000", 2), ("max", "100000", 64)],
)
@pytest.mark.parametrize("where", ["job/step", "job"])
def test_threads_follow_the_quota_of_version_2(
    system: Path, where: str, quota: str, period: str, expected: int
) -> None:
    """`docker run --cpus=2` on a large host, whichever group above the process has it."""
    (system / "membership").write_text(V2)
    write(system / where, cpu__max=f"{quota} {period}\n")
    assert cores.usable_cores() == expected
    assert cores.cores_by_quota() == (expected if expected < 64 else 0)


@pytest.mark.parametrize(("quota", "expected"), [("300000", 3), ("-1", 64)])
def test_threads_follow_the_quota_of_version_1(system: Path, quota: str, expected: int) -> None:
    """Also where the two controllers of a processor share a folder."""
    (system / "membership").write_text(V1)
    write(system / "cpu" / "job" / "step", cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000")
    assert cores.usable_cores() == expected


def test_a_container_that_hides_its_groups(system: Path) -> None:
    """The path of the host is not there: the topmost folder holds the container's own limits."""
    (system / "membership").write_text(V1)
    write(system / "cpu", cpu__cfs_quota_us="100000", cpu__cfs_period_us="100000")
    write(system / "memory", memory__limit_in_bytes=str(700 * MIB), memory__usage_in_bytes="0")
    assert cores.usable_cores() == 1
    assert resolve_budget(None).bytes == 700 * MIB


def test_no_groups_at_all(system: Path) -> None:
    """Another system, or a kernel without them."""
    assert cores.usable_cores() == 64
    assert resolve_budget(None).source == "available memory"
