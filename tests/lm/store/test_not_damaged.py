"""A file that cannot be read now may be whole: nobody is told to delete it, and nothing of ours deletes it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lm.errors import NoAccess, TooNew
from lm.inspection.verify import verify
from lm.model.inference import read_weights
from lm.store.artifacts import Store
from lm.store.files import read_json
from lm.text.documents import read_documents
from lm.tokenizer.tokenizer import Tokenizer
from lm.train.checkpoint import load_newest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a file that the kernel refuses to read")
REFUSED = Path("/proc/self/mem")  # a file that opens, whose first byte is an input/output error, as of a lost disk


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("model.safetensors", lambda path: read_weights(path.parent)),
        ("tokenizer.model", Tokenizer),
        ("documents.parquet", lambda path: next(iter(read_documents(path.parent)))),
        ("manifest.json", read_json),
        ("step-00000010.json", lambda path: load_newest(path.parent, "ab" * 32)),
    ],
)
def test_what_the_system_refuses_to_read_is_not_called_damaged(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    """Weights, tokenizer, text, manifest, checkpoint: the reason is named, and the file stays."""
    path = tmp_path / name
    path.symlink_to(REFUSED)
    with pytest.raises(NoAccess, match="cannot be used: Input/output error") as refused:
        read(path)
    assert "delete" not in str(refused.value)
    assert path.is_symlink()


def test_a_manifest_that_cannot_be_used_is_no_reason_to_remove_the_model(tmp_path: Path) -> None:
    """`slowburn verify`, where the disk does not answer, and where a newer Slowburn wrote it."""
    store = Store(tmp_path)
    for key in ("aaaa", "bbbb"):
        store.path("train", key).mkdir(parents=True)
    (store.path("train", "aaaa") / "manifest.json").symlink_to(REFUSED)
    newer = store.path("train", "bbbb") / "manifest.json"
    newer.write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(TooNew, match="update Slowburn"):
        read_json(newer)
    advice = [damage.remake for damage in verify(store).damages]
    assert len(advice) == 2
    assert not any(word in line for line in advice for word in ("rm ", "delete"))
