"""A file is there whole or not at all."""

import pytest

from lm.store.files import replace_atomically


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
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
