"""A file is there whole or not at all."""

import errno
import json
import subprocess
from pathlib import Path

import pytest

from lm.errors import Damaged, Stopped, explained
from lm.store import files
from lm.store.files import move, read_json, replace_atomically, write_json, write_record


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """Readers see the old content until the writer is done; where it fails they go on to, and nothing else is left."""
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replace_atomically(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
    with replace_atomically(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary in tmp_path.glob(".*.tmp"), "where a killed writer's leftovers are swept"
    assert [file.read_text() for file in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(("held", "waits"), [(2, True), (0, False), (2, False), (1000, True)])
def test_what_a_scanner_holds_is_renamed_once_it_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, waits: bool
) -> None:
    """As on Windows, where a file that is open cannot be renamed; elsewhere a refusal is no matter of time."""
    monkeypatch.setattr(files, "SCANNERS_HOLD_FILES", waits)
    monkeypatch.setattr(files, "SCANNER_TIMEOUT_SECONDS", 0.5)
    replace, calls = Path.replace, []

    def refused_at_first(source: Path, target: Path) -> Path:
        calls.append(source)
        if len(calls) <= held:
            raise PermissionError
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refused_at_first)
    (tmp_path / "new").mkdir()
    if (held and not waits) or held == 1000:
        with pytest.raises(PermissionError):
            move(tmp_path / "new", tmp_path / "artifact")
    else:
        move(tmp_path / "new", tmp_path / "artifact")
        assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


RECORD = {"schema_version": 1, "run": "a run", "stages": {"train": ["ä", 1.5e-07, None]}, "seconds": 12.25}


@pytest.mark.parametrize("how", ["bits", "ends"])
def test_a_record_that_has_changed_is_never_read(tmp_path: Path, how: str) -> None:
    """Each bit of a record flipped, each of its ends cut: one line that names it and the command that repairs it."""
    path = tmp_path / "record.json"
    write_record(path, RECORD)
    content = path.read_bytes()
    assert read_json(path) == RECORD
    for place in range(len(content)):
        for bit in range(8 if how == "bits" else 1):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            path.write_bytes(changed if how == "bits" else content[:place])
            with pytest.raises(Damaged) as error:
                read_json(path)
            assert str(path) in str(error.value)
            assert f"`rm {path}`" in str(error.value)
            assert "\n" not in str(error.value)


def test_a_checksum_is_that_of_common_tools(tmp_path: Path) -> None:
    """`tail -n +3 FILE | sha256sum` tells the same; a record of before there were checksums is read as it is."""
    path = tmp_path / "record.json"
    write_record(path, RECORD)
    done = subprocess.run(f"tail -n +3 {path} | sha256sum", shell=True, capture_output=True, text=True, check=True)
    assert json.loads(path.read_text())["checksum"] == f"sha256:{done.stdout.split()[0]}"
    write_json(path, RECORD)
    assert read_json(path) == RECORD


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"schema_version": "1"}', '{"a": 1, "checksum": "x"}'])
def test_what_is_no_record_is_one_line(tmp_path: Path, content: str) -> None:
    """Nothing, no object, too deep, a version in words, a checksum out of place."""
    path = tmp_path / "record.json"
    path.write_text(content)
    with pytest.raises(Damaged) as error:
        read_json(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most calls of the system that fail do not say where."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "flush", full)
    with pytest.raises(OSError, match="No space") as error:
        write_json(tmp_path / "record.json", {})
    assert str(tmp_path / "record.json") in str(explained(error.value))
    assert isinstance(explained(error.value), Stopped)
