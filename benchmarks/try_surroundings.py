"""Try odd surroundings, and write docs/reference/surroundings.md: each case, how it ended, and what was said last.

    python -m benchmarks.try_surroundings            what `make test-operations` tries, as a table
    python -m benchmarks.try_surroundings -k proxy   only some of it, printed and not written

It runs the tests named below; as root, and where strace is there, some more cases can be tried.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

PROJECT = Path(__file__).parent.parent
TABLE = PROJECT / "docs" / "reference" / "surroundings.md"
TESTS = [f"tests/faults/test_{name}.py" for name in ("surroundings", "more_surroundings", "system_calls")]
HAPPENED = "happened"  # as tests/faults/surroundings.py has it
MAX_CHARACTERS = 160
BEFORE = """# What a computer may be like

Each of these was tried: it ends in a run, or in one line that says what to do. Made by
`python -m benchmarks.try_surroundings`; the cases are tests (`make test-operations`).

| case | exit code | said last |
|---|---|---|
"""


class Row(NamedTuple):
    """One command in one case."""

    case: str
    code: int
    said: str
    held: bool  # whether what the test expects was so


def main() -> int:
    """Run the tests and write the table; the exit code is pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = ["-m", "pytest", "-m", "", "-q", "-n", "2", f"--junitxml={report}", *TESTS, *sys.argv[1:]]
        code = subprocess.call([sys.executable, *command], cwd=PROJECT)
        table = BEFORE + "\n".join(dict.fromkeys(map(_line, _rows(report)))) + "\n"
    if sys.argv[1:]:
        print(table)
    else:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(table, encoding="utf-8")
    return code


def _rows(report: Path) -> Iterator[Row]:
    for test in ElementTree.parse(report).iter("testcase"):
        held = test.find("failure") is None and test.find("error") is None
        for kept in test.iter("property"):
            if kept.get("name") == HAPPENED:
                case, ended, said = json.loads(kept.get("value", ""))
                yield Row(case, ended, said, held)


def _line(row: Row) -> str:
    failed = "" if row.held else " **not as it should be**"
    return f"| {_cell(row.case)} | {row.code}{failed} | {_cell(_anywhere(row.said))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")[:MAX_CHARACTERS]


def _anywhere(text: str) -> str:
    """The text without the folders and ports of this one time."""
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:…", re.sub(r"(?:/[^\s/'\"]+)+(?=/)", "…", text))


if __name__ == "__main__":
    sys.exit(main())
