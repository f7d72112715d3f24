"""What tests of faults share; and what a campaign measures is printed, whichever of pytest's processes measured it."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lm.champions.champion import promote
from lm.planning.machine import Machine
from lm.planning.machine_record import keep_machine
from lm.store.artifacts import Store
from tests.conftest import Workplace
from tests.faults.surroundings import Surroundings

FIGURES = "figures"  # the name under which a test records a line of them


class FiguresPrinter:
    """Prints the figures that tests recorded with `record_property`."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            for name, line in report.user_properties:
                if name == FIGURES:
                    self._reporter.write(f"\n{line}\n")


@pytest.hookimpl(trylast=True)  # after the reporter is there
def pytest_configure(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:  # pytest's workers have none
        config.pluginmanager.register(FiguresPrinter(reporter))


@pytest.fixture(scope="session")
def every_kind(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Path, machine: Machine) -> Workplace:
    """A root with files of every kind: a finished run, its model as champion, and a training that was cut."""
    root = tmp_path_factory.mktemp("finished") / "root"
    keep_machine(Store(root), machine)
    outside = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    place = Workplace(root, tiny_corpus, outside | {"SLOWBURN_ROOT": str(root)})
    made = place.run("--without-prefect", "--run-id", "made")
    assert made.code == 0, made
    promote(Store(root), place.record("made")["stages"]["train"]["key"], "the first")
    often = ("--set", "checkpoint_seconds=0.2")
    cut = place.start("--without-prefect", "--run-id", "cut", "--until", "train", *often, steps=100_000)
    place.wait_for(lambda: len(place.checkpoints()) >= 2, cut)
    cut.send_signal(signal.SIGTERM)
    cut.communicate()
    return place


@pytest.fixture
def here(
    workplace: Workplace, record_property: Callable[[str, object], None], request: pytest.FixtureRequest
) -> Surroundings:
    """The surroundings of a test, whose docstring says in its first line what they are."""
    case = (request.function.__doc__ or "").split("\n")[0].rstrip(".")
    parameters = getattr(request.node, "callspec", None)
    return Surroundings(workplace, record_property, f"{case} [{parameters.id}]" if parameters else case)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into: pytest's own are for one alone."""
    folder = Path(tempfile.mkdtemp(prefix="slowburn-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
