"""What a person sees in the terminal while a run goes on: a line a finished stage, a moving one for the present."""

import time
import webbrowser
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from lm.formatting import format_duration
from lm.pipeline.listener import Listener

LINE_SECONDS = 20.0  # between two progress lines where the output is no terminal, as in a batch job's log
STAGE_COLUMNS = 11


class Terminal(Listener):
    """Shows a run on a console; a moving bar where that is a terminal, a line now and then where it is a file."""

    def __init__(self, console: Console, *, opens_report: bool = False) -> None:
        self._console, self._opens_report = console, opens_report
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn(f"{{task.description:{STAGE_COLUMNS}}}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self.error: BaseException | None = None
        self._closing_lines: list[str] = []
        self._stage = ""
        self._said = time.monotonic()
        self._left = ""

    def time_left(self, seconds: float) -> None:
        """Have the next line say what is left of the whole run."""
        self._left = f", {format_duration(seconds)} left of the run"

    def report_begun(self, path: Path) -> None:
        """Say where the run can be watched, and show it where that was asked for."""
        self._clear()
        self.tell(f"to watch it: {path.absolute().as_uri()}")
        self._show(path)

    def report_ready(self, path: Path) -> None:
        """Show the report where it was not shown while the run went on."""
        self._show(path)

    def stage_progress(self, stage: str, done: float, total: float | None, unit: str, note: str) -> None:
        """Move the bar of this stage."""
        text = f"{unit} {done:,.0f}/{total:,.0f} {note}" if total else f"{done:,.0f} {unit} {note}"
        text = f"{text.strip()}{self._left}"
        if not self._console.is_terminal:
            if time.monotonic() - self._said >= LINE_SECONDS:
                self._said = time.monotonic()
                self._say(f"  {stage:{STAGE_COLUMNS}} {text}")
            return
        if stage != self._stage:
            self._clear()
            self._bar.add_task(stage, total=total, note="")
            self._bar.start()
            self._stage = stage
        self._bar.update(self._bar.task_ids[0], completed=done, total=total, note=text)

    def stage_finished(self, stage: str, reused: bool, seconds: float, summary: str) -> None:
        """Leave one line of a finished stage."""
        self._clear()
        took = "reused" if reused else format_duration(seconds)
        self._say(f"  {stage:{STAGE_COLUMNS}} {took:>10}  {summary}".rstrip())

    def tell(self, message: str) -> None:
        """Say something between the stages' lines."""
        self._say(f"  {message}")

    def run_finished(self, lines: list[str], error: BaseException | None) -> None:
        """Keep the few lines that say what it came to for the very end."""
        self._clear()
        self.error = error
        self._closing_lines = ["", *lines]

    def close(self) -> None:
        """Say what it came to."""
        for line in self._closing_lines:
            self._say(line)

    def _show(self, path: Path) -> None:
        """Open the report in a browser, once, where that was asked for."""
        if self._opens_report:
            self._opens_report = False
            webbrowser.open(path.absolute().as_uri())

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _clear(self) -> None:
        if self._stage:
            self._bar.stop()
            self._bar.remove_task(self._bar.task_ids[0])
            self._stage = ""
