"""How files were read stands in the metrics, and in one line for the terminal."""

import json
from pathlib import Path

from lm.clean.config import CleanConfig
from lm.clean.readings import FileReading, told_readings
from lm.clean.stage import clean
from lm.progress import silent
from tests.lm.clean.readers.made_files import zipped
from tests.lm.clean.readers.sentences import sentence
from tests.lm.clean.test_clean import raw_artifact


def test_how_each_file_was_read_is_kept_and_told(tmp_path: Path) -> None:
    """Also of files within archives, and of parts that were cleaned before; plain texts are counted alone."""
    table = "id,body,day\n" + "".join(f'{n},"{sentence(n)}",2020-01-01\n' for n in range(40))
    chat = {"messages": [{"role": "user", "content": sentence(n)} for n in range(50, 90)]}
    files = {
        "export.csv": table.encode(),
        "chat.json": json.dumps(chat).encode(),
        "more.zip": zipped({"b/export.csv": table.replace("miller", "baker"), "a.txt": sentence(1) * 9}),
        "plain.txt": (sentence(2) * 9).encode(),
    }
    raw = raw_artifact(tmp_path / "raw", files)
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        metrics = clean(raw, CleanConfig(), tmp_path / name, silent, parts_folder=tmp_path / "parts")
        assert [reading.sentence for reading in metrics.readings] == [
            "export.csv: table, column body, 40 rows; 2 columns left out: id, day",
            "chat.json: conversation, 40 messages",
            "more.zip/b/export.csv: table, column body, 40 rows; 2 columns left out: id, day",
        ]
        assert metrics.kinds == {"table": 2, "conversation": 1, "text": 2}
        (note,) = [note for note in metrics.notes if note.startswith("how it was read: ")]
        assert "export.csv and 1 more: table, column body, 80 rows" in note and "\n" not in note
        assert all(len(opening.opening) > 20 for opening in metrics.openings)


def test_many_ways_are_one_line() -> None:
    """The line stays short, whatever there is: the ways that most files were read come first."""
    readings = [FileReading(f"{n}.json", "Slack chat", amount=2, unit="messages") for n in range(1000)]
    readings += [FileReading(f"{n}.csv", "table", f"column c{n}", 5, "rows") for n in range(50)]
    told = told_readings(readings)
    assert told.startswith("0.json and 999 more: Slack chat, 2,000 messages; 0.csv: table, column c0, 5 rows; ")
    assert told.endswith("; and 48 more ways (see the report)") and len(told) < 300
