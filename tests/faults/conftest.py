"""A finished root to damage; and what a campaign measures is printed, whichever of pytest's processes measured it."""

import os
import signal
from pathlib import Path

import pytest

from lm.champions.champion import promote
from lm.planning.machine import Machine
from lm.planning.machine_record import keep_machine
from lm.store.artifacts import Store
from tests.conftest import Workplace

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
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Path, machine: Machine) -> Workplace:
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
