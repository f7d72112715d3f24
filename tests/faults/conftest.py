"""What a campaign measures is printed as it is measured, whichever of pytest's processes measured it."""

import pytest

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
