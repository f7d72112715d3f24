"""What other kernels and file systems answer, and whom our processes talk to: system calls, as strace sees them.

strace has a call fail as it does on such a system, in every process of a run.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.faults.surroundings import ALONE, DATA_ONLY, TRAINED, Surroundings

pytestmark = [
    pytest.mark.operations,
    pytest.mark.skipif(sys.platform != "linux" or not shutil.which("strace"), reason="needs strace"),
]
LATER_CALLS = "statx,clone3,close_range,pidfd_open,copy_file_range,memfd_create,faccessat2,openat2,membarrier,rseq"
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
DOMAIN_NAMES = 53  # the port of servers that know addresses by name, on loopback too


def failing(calls: str, error: str) -> str:
    """A shell's line that has system calls fail in a command and all that it starts."""
    return f"strace -f -qqq --seccomp-bpf -o /dev/null -e trace={calls} -e inject={calls}:error={error} $SLOWBURN"


@pytest.mark.parametrize(
    ("calls", "error"),
    [("fsync", "EINVAL"), ("chmod,fchmod,fchmodat", "EPERM"), ("flock", "ENOSYS"), ("link,linkat", "EOPNOTSUPP")],
    ids=lambda name: name,
)
def test_a_network_folder(here: Surroundings, calls: str, error: str) -> None:
    """A root on a file system that cannot flush folders, change modes, lock or link, as over SMB, 9p or FUSE."""
    assert here.run(*ALONE, *TRAINED, shell=failing(calls, error)).code == 0


def test_a_network_folder_without_locks(here: Surroundings) -> None:
    """A root on NFS whose server gives no locks: that is said, with what to do."""
    outcome = here.run(*ALONE, *DATA_ONLY, shell=failing("flock", "ENOLCK"))
    assert outcome.code == 1
    assert "locks" in outcome.last_line
    assert "SLOWBURN_ROOT" in outcome.last_line


def test_an_old_kernel(here: Surroundings) -> None:
    """A kernel of 2014, or a sandbox that pretends to be one: it does not know the calls that came later."""
    assert here.run(*ALONE, *TRAINED, shell=failing(LATER_CALLS, "ENOSYS")).code == 0


def test_the_service_talks_to_nobody_else(here: Surroundings, tmp_path: Path) -> None:
    """`slowburn up`, Prefect's commands and `slowburn down`: no process of them reaches for another machine."""
    calls = tmp_path / "calls.txt"
    port = free_port()
    here.environment |= {"PREFECT_SERVER_API_PORT": str(port), "PREFECT_HOME": str(tmp_path / "home")}
    here.environment |= {"PREFECT_PROFILES_PATH": str(tmp_path / "home" / "profiles.toml")}
    prefect = f"{sys.executable} -m flows.local_server --no-prompt"
    script = f"$SLOWBURN && {prefect} deployment ls && {prefect} work-pool ls; code=$?; "
    script += f"{sys.executable} -m flows down && exit $code"
    (tmp_path / "service.sh").write_text(script.replace("$SLOWBURN", '"$@"'))
    traced = (
        f"strace -f -qqq --seccomp-bpf -e trace=connect,sendto,sendmsg -o {calls} bash {tmp_path}/service.sh $SLOWBURN"
    )
    outcome = here.run("up", shell=traced)
    assert outcome.code == 0, outcome
    assert f"htons({port})" in calls.read_text(), "strace saw the calls"
    assert list(reached(calls.read_text())) == []


def reached(calls: str) -> list[str]:
    """The addresses beyond this machine, and the questions for names, in what strace wrote."""
    found = re.findall(r"sin6?_port=htons\((\d+)\),.*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([^\"]+)\"", calls)
    return sorted(
        {f"{address}:{port}" for port, address in found if address not in LOOPBACK or int(port) == DOMAIN_NAMES}
    )
