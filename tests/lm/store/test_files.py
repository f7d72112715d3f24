"""A file is there whole or not at all."""

from pathlib import Path

import pytest

from lm.store import files
from lm.store.files import move, replace_atomically


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
