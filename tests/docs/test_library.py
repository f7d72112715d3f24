"""The examples of docs/library.md, and docs/reference/files.md beside what they leave on disk."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from docs.reference_builder.files_page import JSON_FILES, PARQUET_FILES, JsonFile
from docs.reference_builder.json_schema import fields_of, is_object
from lm.planning.machine import Machine
from lm.planning.machine_record import keep_machine
from lm.runs.run_record import list_runs
from lm.store.artifacts import Store
from tests.conftest import PROJECT, write_corpus

BLOCKS = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "library.md").read_text(encoding="utf-8"), re.DOTALL)
MINUTES, TEST_MINUTES = "minutes=2,", "minutes=0.05,"  # the one thing that is changed in them: a test has less time
MAX_LINES = 10
NOT_OURS = {"config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"}


@dataclass(frozen=True)
class Done:
    """What the examples left."""

    store: Store
    output: str


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, machine: Machine) -> Done:
    """All examples in one process, below a folder of their own.

    Neither this process nor its children can import Prefect: a module of that name that raises stands before it.
    """
    folder = tmp_path_factory.mktemp("library")
    write_corpus(folder / "notes")
    script, before = folder / "script.py", folder / "before"
    script.write_text("\n".join(BLOCKS).replace(MINUTES, TEST_MINUTES), encoding="utf-8")
    before.mkdir()
    (before / "prefect.py").write_text("raise ImportError('lm knows no Prefect')\n")
    store = Store(folder / "root")
    keep_machine(store, machine)
    path = os.pathsep.join([str(before), str(PROJECT)])
    environment = os.environ | {"SLOWBURN_ROOT": str(store.root), "PYTHONPATH": path}
    assert subprocess.run([sys.executable, "-c", "import prefect"], env=environment, capture_output=True).returncode
    command = [sys.executable, str(script)]
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return Done(store, finished.stdout)


def test_the_examples_run_without_prefect(done: Done) -> None:
    """A whole pipeline on notes/ in ten lines and at most two minutes of training, one stage again, and a text."""
    whole, *_ = BLOCKS
    assert len(BLOCKS) == 3
    assert len(whole.splitlines()) <= MAX_LINES
    assert MINUTES in whole
    again, first = list_runs(done.store)
    assert (first.status, [stage.status for stage in first.stages.values()]) == ("completed", ["computed"] * 7)
    assert [name for name, stage in again.stages.items() if stage.status == "computed"] == ["evaluate"]
    assert re.search(r"\d parameters\n.+", done.output), done.output


def test_files_md_knows_every_field_that_a_run_writes(done: Done) -> None:
    """Each JSON and parquet file has its place in the reference, and nothing stands in it that the page lacks."""
    found = {path for suffix in ("json", "parquet") for path in done.store.root.rglob(f"[!.]*.{suffix}")}
    left = {path for path in found if path.name not in NOT_OURS}
    for file in sorted(JSON_FILES, key=lambda file: "<" in file.path):  # machine.json is no plan
        for path in left & matching(done.store.root, file.path):
            assert list(unknown_in(file, json.loads(path.read_text(encoding="utf-8")))) == [], path
            left.remove(path)
    for table in PARQUET_FILES:
        for path in left & matching(done.store.root, table.path):
            schema = pq.read_schema(path)
            assert schema.equals(table.schema), path
            assert "schema_version" in {key.decode() for key in schema.metadata}, path
            left.remove(path)
    assert left == set()


def matching(root: Path, pattern: str) -> set[Path]:
    """Files at a path with `<…>` for what differs."""
    return set(root.glob(re.sub(r"<[^>]+>|NNNNNNNN", "*", pattern.replace("<artifact>", "*/*/*"))))


def unknown_in(file: JsonFile, content: dict[str, Any]) -> Iterator[str]:
    """Fields of a JSON file that its section lacks; the page says of all records that they begin with a checksum."""
    content.pop("checksum", None)
    if not file.wrapped:
        yield from unknown(content, file.model)
        return
    kinds = {name: kind for name, kind, _ in file.wrapped}
    for name, value in content.items():
        if name == "schema_version":
            continue
        if name not in kinds:
            yield name
        elif kinds[name].startswith("list"):
            yield from unknown(value, list[file.model])  # type: ignore[name-defined]
        elif kinds[name].startswith("object"):
            yield from unknown(value, dict[str, file.model])  # type: ignore[name-defined]
        elif kinds[name].startswith("["):
            yield from unknown(value, file.model)


def unknown(value: Any, hint: Any) -> Iterator[str]:
    """Fields of a value that its type lacks."""
    inside = get_args(hint)
    if is_object(hint) and isinstance(value, dict):
        fields = fields_of(hint)
        allowed = issubclass(hint, BaseModel) and hint.model_config.get("extra") == "allow"
        for name, inner in value.items():
            if name in fields:
                yield from unknown(inner, fields[name])
            elif not allowed:
                yield f"{hint.__name__}.{name}"
    elif get_origin(hint) is dict and isinstance(value, dict):
        for inner in value.values():
            yield from unknown(inner, inside[1])
    elif get_origin(hint) in (list, tuple) and isinstance(value, list):
        for inner in value:
            yield from unknown(inner, inside[0])
    elif inside and value is not None:
        yield from min((list(unknown(value, kind)) for kind in inside), key=len)
