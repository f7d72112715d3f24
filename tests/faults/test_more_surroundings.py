"""More of what a computer may be like: each case ends in a run, or in one clear line with what to do."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, Outcome
from tests.faults.surroundings import (
    ALONE,
    DATA_ONLY,
    TRAINED,
    Answering,
    Surroundings,
    as_stranger,
    linux_only,
    on_terminal,
    posix_only,
    records,
)

pytestmark = pytest.mark.operations
HIDDEN_MOUNTS = ["unshare", "--mount", "sh", "-c"]  # a namespace of its own, in which root may mount what it likes
UNKNOWN_USER = 54321
SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")


@posix_only
def test_a_user_without_a_name_or_a_home(here: Surroundings, open_folder: Path) -> None:
    """No HOME, and a user that the system does not know, as in `docker run --user 54321`."""
    as_stranger(open_folder)
    root = open_folder / "root"
    root.mkdir()
    root.chmod(0o777)
    here.environment |= {"SLOWBURN_ROOT": str(root)}
    for name in ("HOME", "USER", "LOGNAME"):
        here.environment.pop(name, None)
    unknown: dict[str, Any] = {"user": UNKNOWN_USER, "group": UNKNOWN_USER, "extra_groups": []}
    assert here.run(*ALONE, *DATA_ONLY, "--corpus", "python-docs", **unknown).code == 0
    assert here.run("doctor", **unknown).code == 0


@posix_only
def test_a_checkout_that_cannot_be_written(here: Surroundings, open_folder: Path) -> None:
    """Prefect's folder would be in a checkout that belongs to root: another folder is advised, or doing without."""
    root = open_folder / "root"
    root.mkdir()
    root.chmod(0o777)
    stranger = as_stranger(open_folder)
    here.environment |= {"SLOWBURN_ROOT": str(root), "HOME": "/nonexistent"}
    del here.environment["PREFECT_HOME"]
    if not (PROJECT / ".prefect").exists():
        pytest.skip("nobody has run Prefect here yet")
    outcome = here.run("run", "--until", "download", "--corpus", "python-docs", **stranger)
    assert outcome.code == 1
    assert "PREFECT_HOME" in outcome.last_line


def test_a_port_that_is_taken(here: Surroundings, tmp_path: Path) -> None:
    """`slowburn up` where another program has the port: the setting for another one is named."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        here.environment |= {"PREFECT_SERVER_API_PORT": port, "PREFECT_HOME": str(tmp_path / "home")}
        outcome = here.run("up")
    assert outcome.code == 1
    assert "PREFECT_SERVER_API_PORT" in outcome.last_line


@pytest.mark.parametrize("port", ["many", "0", "70000", "-1"])
def test_a_port_that_is_none(here: Surroundings, tmp_path: Path, port: str) -> None:
    """A port that is no number, or too large."""
    here.environment |= {"PREFECT_SERVER_API_PORT": port, "PREFECT_HOME": str(tmp_path / "home")}
    assert here.run("up").code == 2


def test_a_server_that_is_none_of_prefects(here: Surroundings) -> None:
    """PREFECT_API_URL is another program's: that is said, not tried for minutes."""
    with Answering(200) as other:
        here.environment["PREFECT_API_URL"] = f"{other.url}/api"
        outcome = here.run("run", "--until", "download")
    assert outcome.code == 1
    assert "no Prefect server" in outcome.last_line


@pytest.mark.parametrize("url", ["localhost:4200/api", "http://", "not an address"])
def test_an_address_of_a_server_that_is_none(here: Surroundings, url: str) -> None:
    """PREFECT_API_URL cannot be an address: a run in which all is done goes without."""
    assert here.run(*ALONE, "--until", "download").code == 0
    here.environment["PREFECT_API_URL"] = url
    assert here.run("run", "--until", "download").code == 0


def test_a_server_that_hangs(here: Surroundings) -> None:
    """A server that takes the connection and says nothing: it is waited for for seconds."""
    assert here.run(*ALONE, "--until", "download").code == 0
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        here.environment["PREFECT_API_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        started = time.monotonic()
        assert here.run("run", "--until", "download").code == 0
    assert time.monotonic() - started < 30


@posix_only
def test_a_checkout_behind_a_link(here: Surroundings, tmp_path: Path) -> None:
    """The checkout is reached through a symbolic link."""
    link = tmp_path / "link"
    link.symlink_to(PROJECT)
    here.environment["PYTHONPATH"] = str(link)
    assert here.run(*ALONE, "--until", "download", cwd=link).code == 0


@posix_only
@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_a_umask(here: Surroundings, umask: int, mode: int) -> None:
    """The user's umask decides who may read: the same for every file of every artifact, the weights too."""
    assert here.run(*ALONE, *TRAINED, umask=umask).code == 0
    files = [path for path in here.place.root.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert any(file.name == "model.safetensors" for file in files)
    kept = [file for file in files if "machine" not in file.name]
    assert {oct(stat.S_IMODE(file.stat().st_mode)) for file in kept} == {oct(mode)}


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Nowhere/Land", ":", "UTC+25:61"])
def test_a_time_zone(here: Surroundings, zone: str) -> None:
    """Any TZ, also one that does not exist."""
    here.environment["TZ"] = zone
    assert here.run(*ALONE, "--until", "download").code == 0


@posix_only
@pytest.mark.parametrize("folder", ["is missing", "is full"])
def test_no_room_for_temporary_files(here: Surroundings, tmp_path: Path, folder: str) -> None:
    """TMPDIR that is not there, or full."""
    place = tmp_path / "temporary"
    here.environment["TMPDIR"] = str(place)
    if folder == "is missing":
        assert here.run(*ALONE, *DATA_ONLY).code == 0
        return
    place.mkdir()
    outcome = in_namespace(here, f"mount -t tmpfs -o size=16k tmpfs {place}; head -c 16k /dev/zero >{place}/full")
    assert outcome.code in (0, 75)


def in_namespace(here: Surroundings, preparation: str, *arguments: str) -> Outcome:
    """Run until clean where something else is mounted; skips where that is not allowed."""
    if os.geteuid() != 0 or subprocess.run([*HIDDEN_MOUNTS, "true"], capture_output=True).returncode:
        pytest.skip("only root may mount")
    if subprocess.run([*HIDDEN_MOUNTS, preparation], capture_output=True).returncode:
        pytest.skip("this kernel does not mount that")
    shell = " ".join([*HIDDEN_MOUNTS, f"'{preparation}; \"$@\"'", "sh", "$SLOWBURN"])
    return here.run(*ALONE, *DATA_ONLY, *arguments, shell=shell)


@linux_only
def test_a_small_dev_shm(here: Surroundings) -> None:
    """/dev/shm of 64 kB, where containers have 64 MB."""
    assert in_namespace(here, "mount -t tmpfs -o size=64k tmpfs /dev/shm").code == 0


@linux_only
def test_a_full_disk(here: Surroundings) -> None:
    """No room where the results go: exit code 75, and the same command goes on once there is."""
    outcome = in_namespace(here, f"mount -t tmpfs -o size=100k tmpfs {here.place.root}")
    assert outcome.code == 75
    assert "disk is full" in outcome.last_line


@linux_only
def test_no_pressure_and_no_groups_in_proc(here: Surroundings) -> None:
    """A kernel that counts no pressure, and hides its control groups."""
    empty = "mount -t tmpfs tmpfs /sys/fs/cgroup; [ ! -d /proc/pressure ] || mount -t tmpfs tmpfs /proc/pressure"
    assert in_namespace(here, empty).code == 0


@linux_only
@pytest.mark.parametrize("variables", [{}, {"OMP_NUM_THREADS": "4,2"}, {"OMP_NUM_THREADS": "many"}])
def test_one_core(here: Surroundings, variables: dict[str, str]) -> None:
    """One core, and whatever OMP_NUM_THREADS may say."""
    here.environment |= variables
    assert here.run(*ALONE, *DATA_ONLY, shell="taskset -c 0 $SLOWBURN").code == 0


@posix_only
@pytest.mark.parametrize(
    "limit",
    ["-n 64", "-n 20", "-f 8", "-v 4000000", "-s 256", "-s unlimited", "-c 0", "-l 0"],
    ids=lambda limit: limit.replace(" ", ""),
)
def test_other_limits(here: Surroundings, limit: str) -> None:
    """`ulimit` of open files, of the size of a file, of addresses, of the stack: a run, or the limit is named."""
    outcome = here.run(*ALONE, *DATA_ONLY, shell=f"ulimit {limit}; $SLOWBURN")
    assert outcome.code == 0 or f"ulimit {limit.split()[0]}" in outcome.last_line, outcome


@posix_only
@pytest.mark.parametrize("processes", [3, 6, 9, 14, 30])
def test_few_processes(here: Surroundings, open_folder: Path, processes: int) -> None:
    """`ulimit -u`: too few processes for this user."""
    stranger = as_stranger(open_folder)
    root = open_folder / "root"
    root.mkdir()
    root.chmod(0o777)
    here.environment |= {"SLOWBURN_ROOT": str(root), "HOME": str(root)}
    shell = f"ulimit -u {processes}; $SLOWBURN"
    outcome = here.run(*ALONE, *DATA_ONLY, "--corpus", "python-docs", shell=shell, **stranger)
    assert outcome.code == 0 or "ulimit -u" in outcome.last_line, outcome


@posix_only
@pytest.mark.parametrize("kind", ["/dev/null", "fifo", "socket", "a broken link", "a loop of links"])
def test_a_corpus_that_is_no_file(here: Surroundings, tmp_path: Path, kind: str) -> None:
    """A corpus that is a device, a pipe, a socket, or a link to nowhere."""
    path = tmp_path / "corpus"
    if kind == "/dev/null":
        path = Path(kind)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        path.symlink_to(path if "loop" in kind else tmp_path / "nowhere")
    outcome = here.run(*ALONE, "--until", "download", "--corpus", str(path))
    assert outcome.code == 2
    assert outcome.errors.count("\n") == 1


@pytest.mark.parametrize("root", ["~/slowburn", "relative", "with space and 'quote'", "x" * 300])
def test_how_a_root_is_written(here: Surroundings, tmp_path: Path, root: str) -> None:
    """SLOWBURN_ROOT with a tilde, as a path from here, with spaces and quotes, and far too long."""
    here.environment |= {"SLOWBURN_ROOT": root, "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    outcome = here.run(*ALONE, "--until", "download", cwd=tmp_path)
    if len(root) > 255:
        assert outcome.code == 1
        assert "too long" in outcome.last_line
    else:
        assert outcome.code == 0
        assert (tmp_path / root.replace("~/", "") / "artifacts").is_dir()


@posix_only
def test_a_machine_without_git(here: Surroundings, tmp_path: Path) -> None:
    """No program but Python on the PATH."""
    here.environment["PATH"] = str(tmp_path)
    assert here.run(*ALONE, *DATA_ONLY).code == 0
    assert here.run("doctor").code == 0


@posix_only
@pytest.mark.parametrize(
    "variables", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_an_old_locale(here: Surroundings, tmp_path: Path, variables: dict[str, str]) -> None:
    """A locale without UTF-8, and a corpus whose name needs it."""
    folder = shutil.copytree(here.place.corpus, tmp_path / "дневник")
    here.environment |= variables
    outcome = here.run(*ALONE, "--until", "download", "--corpus", str(folder))
    assert outcome.code == 0 or "PYTHONUTF8=1" in outcome.last_line, outcome


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONDEVMODE": "1"},
        {"PYTHONUNBUFFERED": "1"},
        {"PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        {"MALLOC_ARENA_MAX": "1"},
        {"TORCH_LOGS": "nonsense"},
        {"COLUMNS": "7", "LINES": "2"},
    ],
    ids=lambda variables: "+".join(variables),
)
def test_variables(here: Surroundings, variables: dict[str, str]) -> None:
    """Variables that change Python, malloc or the width of the terminal."""
    here.environment |= variables
    assert here.run(*ALONE, *DATA_ONLY).code == 0


@posix_only
@pytest.mark.parametrize("terminal", ["dumb", "", "xterm-256color", "nonsense"])
def test_a_terminal(here: Surroundings, terminal: str) -> None:
    """Any TERM, on a real terminal."""
    words = [*ALONE, *DATA_ONLY, "--corpus", str(here.place.corpus)]
    code, said = on_terminal([sys.executable, "-m", "flows", *words], here.environment | {"TERM": terminal})
    here.tell(Outcome(code, said, ""))
    assert code == 0
    assert "complete" in said


@posix_only
def test_nohup(here: Surroundings) -> None:
    """Started with `nohup`: the terminal that closes ends nothing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flows", *ALONE, *DATA_ONLY, "--corpus", str(here.place.corpus)],
        cwd=PROJECT,
        env=here.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN) and None,
    )
    threading.Timer(1.5, lambda: os.killpg(process.pid, signal.SIGHUP)).start()
    output, errors = process.communicate(timeout=120)
    here.tell(Outcome(process.returncode, output, errors))
    assert process.returncode == 0
    assert records(here.place) == ["completed"]


SEEN = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set) {
    if (size < 16) { errno = EINVAL; return -1; }
    memset(set, 0, size);
    memset(set, 0xff, 16);
    return 0;
}
long sysconf(int name) {
    if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) return 128;
    return ((long (*)(int)) dlsym(RTLD_NEXT, "sysconf"))(name);
}
int get_nprocs(void) { return 128; }
"""


@linux_only
def test_a_machine_that_shows_128_cores(here: Surroundings, tmp_path: Path) -> None:
    """128 cores are seen, as in a container on a large host whose quota is not told: threads have room in the cap."""
    if not (compiler := shutil.which("cc")):
        pytest.skip("no C compiler is here, which makes a library that shows them")
    (tmp_path / "seen.c").write_text(SEEN)
    library = tmp_path / "seen.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "seen.c", "-ldl"], check=True)
    del here.environment["OMP_NUM_THREADS"]
    settings = [word for word in TRAINED if word != "threads=1"]
    shell = f"LD_PRELOAD={library} $SLOWBURN"
    assert here.run(*ALONE, *settings, "--memory", "1500MiB", shell=shell).code == 0


@linux_only
def test_a_root_over_ssh(here: Surroundings, tmp_path: Path) -> None:
    """A root on a network folder, mounted with sshfs: a run as on a disk, and every file of it verified."""
    if not (shutil.which("sshfs") and SFTP_SERVER.exists()):
        pytest.skip("sshfs, or OpenSSH's sftp-server, is not here")
    program, real, root = tmp_path / "ssh", tmp_path / "real", tmp_path / "mounted"
    program.write_text(f"#!/bin/sh\nexec {SFTP_SERVER}\n")
    program.chmod(0o755)
    real.mkdir()
    root.mkdir()
    if subprocess.run(["sshfs", "-o", f"ssh_command={program}", f"here:{real}", root]).returncode:
        pytest.skip("this user may not mount")
    try:
        here.environment["SLOWBURN_ROOT"] = str(root)
        assert here.run(*ALONE, *TRAINED).code == 0
        assert here.run("verify").code == 0
    finally:
        subprocess.run(["fusermount3", "-u", root], check=True)
