"""Damaged files: every damage is found and named, nothing is made from it, and the named command repairs it."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lm.champions.champion import default_model
from lm.errors import SlowburnError
from lm.inspection.listing import list_all
from lm.inspection.retention import RetentionPolicy, plan_pruning
from lm.inspection.verify import verify
from lm.model.hf_config import read_model_config
from lm.planning.machine_record import kept_machine
from lm.planning.plan import open_plan
from lm.report import run_index
from lm.runs.explain import explain
from lm.runs.run_record import list_runs
from lm.store.artifacts import Store
from lm.text.raw_sources import read_sources
from tests.conftest import PROJECT, Outcome, Workplace
from tests.faults.corruption import Corruption, corrupt

SLICE = 60  # of the campaign, in every run of the tests
CORRUPTIONS = int(os.environ.get("SLOWBURN_CORRUPTIONS", "2000"))  # more, in a call of the campaign
ODD_RECORDS = int(os.environ.get("SLOWBURN_ODD_RECORDS", "40"))
SEED = os.environ.get("SLOWBURN_SEED", "1")
FIGURES = PROJECT / ".faults" / "corruptions.jsonl"  # of all calls


def try_corruption(root: Path, seed: str) -> tuple[Corruption, bool]:
    """Damage a root, see whether `verify` names each file of it, and make it good again."""
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    made = corrupt(root, seed)
    damages = [root / damage.path for damage in verify(Store(root)).damages]
    found = all(_is_named(path, damages) for path in made.paths)
    for path in made.paths:
        path.write_bytes(before[path]) if path in before else path.unlink()
    return made, found


def _is_named(path: Path, damages: list[Path]) -> bool:
    """Whether it is told, itself or as a part of its artifact or checkpoint."""
    own = {path, path.with_suffix(".json"), path.parent / "manifest.json", path.parent / "run.json"}
    return bool(own & set(damages))


def copy_of(every_kind: Workplace, to: Path) -> Workplace:
    root = Path(shutil.copytree(every_kind.root, to / "root"))
    return Workplace(root, every_kind.corpus, every_kind.environment | {"SLOWBURN_ROOT": str(root)})


@pytest.fixture
def place(every_kind: Workplace, tmp_path: Path) -> Workplace:
    """A finished root to damage."""
    return copy_of(every_kind, tmp_path)


def test_verify_finds_nothing_wrong_with_what_is_whole_and_every_damage(place: Workplace) -> None:
    """Sixty damages by chance, to files of every kind: each is named."""
    assert verify(Store(place.root)).damages == ()
    tried = [try_corruption(place.root, f"slice-{number}") for number in range(SLICE)]
    assert [made for made, found in tried if not found] == []
    assert verify(Store(place.root)).damages == ()


@pytest.mark.fault_campaign
@pytest.mark.timeout(3600)
def test_campaign_of_corruptions(place: Workplace, record_property: Callable[[str, object], None]) -> None:
    """As many more as are asked for, from this seed on where the last call ended; the counts of all calls are told."""
    FIGURES.parent.mkdir(exist_ok=True)
    earlier = [json.loads(line) for line in FIGURES.read_text().splitlines()] if FIGURES.exists() else []
    first = sum(line["seed"] == SEED for line in earlier)
    with FIGURES.open("a") as file:
        for number in range(first, first + CORRUPTIONS):
            made, found = try_corruption(place.root, f"{SEED}-{number}")
            line = {"seed": SEED, "number": number, "kind": made.kind, "how": made.how, "found": found}
            file.write(json.dumps(line) + "\n")
            file.flush()
            earlier.append(line)
    missed = [line for line in earlier if not line["found"]]
    kinds, ways = (Counter(line[name] for line in earlier) for name in ("kind", "how"))
    record_property("figures", f"{len(earlier)} corruptions, {len(missed)} not found; {dict(kinds)}; {dict(ways)}")
    assert missed == []


def slowburn(place: Workplace, *words: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "flows", *words], cwd=PROJECT, env=place.environment, capture_output=True, text=True
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damaged", "made_from_it"),
    [
        ("data/raw/*/00000-*", "data/clean"),
        ("data/clean/*/documents.parquet", "data/tokens"),
        ("data/tokens/*/tokenizer.model", "artifacts/models"),
        ("data/tokens/*/heldout-*.parquet", "artifacts/evaluations"),
        ("artifacts/models/*/model.safetensors", "artifacts/samples"),
    ],
)
def test_nothing_is_made_from_a_damaged_input(place: Workplace, damaged: str, made_from_it: str) -> None:
    """One bit in what a stage reads: it stops in one line with the command, and that, with the same run, repairs it."""
    (file,) = place.root.glob(damaged)
    as_made = file.read_bytes()
    flip(file)
    for folder in (place.root / made_from_it).glob("[!.]*/"):
        shutil.rmtree(folder)
    stopped = place.run("--without-prefect")
    assert stopped.code == 1, stopped
    assert "Traceback" not in stopped.errors
    assert str(file) in stopped.last_line
    command = stopped.last_line.split("`")[1]
    assert command == f"rm -r {file.parent}"
    assert not list((place.root / made_from_it).glob("[!.]*/"))
    if made_from_it == "artifacts/models":
        shutil.rmtree(file.parent)
        assert place.run("--without-prefect").code == 0
        assert file.read_bytes() == as_made


def test_what_uses_a_model_does_not_use_a_damaged_one(place: Workplace) -> None:
    """`generate` and `export` say what is damaged, and write nothing with it."""
    (file,) = place.root.glob("artifacts/models/*/model.safetensors")
    flip(file)
    for words in (("generate", "--prompt", "a"), ("export", "--format", "hf", "--to", str(place.root / "out"))):
        outcome = slowburn(place, *words)
        assert outcome.code == 1
        assert outcome.output == ""
        assert f"{file} holds other bytes than were written" in outcome.last_line


@pytest.mark.parametrize(
    "damage", ["manifest", "key", "outputs", "added", "plan", "machine", "run", "champion", "root"]
)
def test_verify_names_what_it_used_to_miss(place: Workplace, damage: str) -> None:
    """What is missing, altered or added is named with a command, and the exit code is 1."""
    (model,) = (path for path in place.root.glob("artifacts/models/*") if not path.name.startswith("."))
    manifest = model / "manifest.json"
    content = json.loads(manifest.read_text())
    content.pop("checksum")  # as older versions wrote it
    plan = place.root / place.record("made")["plan"]
    named = manifest
    if damage == "manifest":
        manifest.unlink()
    elif damage in ("key", "outputs"):
        altered = {"key": {"config": content["config"] | {"seed": 9}}, "outputs": {"outputs": {}}}[damage]
        manifest.write_text(json.dumps(content | altered))
        named = manifest if damage == "key" else model / "model.safetensors"
    elif damage == "added":
        named = model / "notes.txt"
        named.write_text("mine")
    elif damage == "root":
        shutil.rmtree(place.root)
        named = place.root
    else:
        named = {
            "plan": plan,
            "machine": plan.parent / "machine.json",
            "run": place.root / "artifacts" / "runs" / "made" / "run.json",
            "champion": place.root / "artifacts" / "champion.json",
        }[damage]
        text = named.read_bytes()
        named.write_bytes(bytes(len(text)) if damage == "champion" else text[: len(text) // 2])
    outcome = slowburn(place, "verify")
    assert outcome.code == 1, outcome
    said = outcome.output + outcome.errors
    assert "Traceback" not in said
    assert str(named.relative_to(place.root) if damage != "root" else named) in said.replace("\n", "")
    assert "to mend it: " in said or damage == "root"


OLD_RECORDS = (
    "artifacts/runs/*/run.json",
    "artifacts/plans/*.json",
    "artifacts/champion*.json",
    "artifacts/models/.*/checkpoints/*.json",
    "*/*/*/manifest.json",
    "artifacts/evaluations/*/evaluation.json",
    "data/raw/*/sources.json",
    "artifacts/models/*/config.json",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    0,
    -1,
    "",
    "1",
    [],
    {},
    [[]] * 3,
    {"a": {"b": {}}},
    True,
    1e308,
    "9999-99-99",
    "../../x",
    10**30,
)


def places_in(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for name, inner in items for found in places_in(inner, (*way, name)))]


def make_odd(content: dict[str, Any], chance: random.Random) -> None:
    """Take one value out of a document, or put another in its place."""
    *way, last = chance.choice(places_in(content)[1:])
    holder: Any = content
    for name in way:
        holder = holder[name]
    if isinstance(holder, dict) and chance.random() < 0.3:
        del holder[last]
    else:
        holder[last] = chance.choice(ODD_VALUES)


def look_at_everything(store: Store) -> dict[str, Callable[[], object]]:
    """What reads records."""
    return {
        "inspect": lambda: list_all(store),
        "inspect --why": lambda: [explain(store, run) for run in list_runs(store)],
        "verify": lambda: verify(store),
        "prune": lambda: plan_pruning(store, RetentionPolicy(disk_bytes=1)),
        "index": lambda: run_index._content(store),
        "champion": lambda: default_model(store, lambda note: None),
        "machine": lambda: kept_machine(store),
        "plans": lambda: [open_plan(path) for path in sorted(store.plans.glob("*.json"))],
        "sources": lambda: [read_sources(path) for path in store.root.glob("data/raw/*/")],
        "model": lambda: [read_model_config(model.path) for model in store.list("train")],
    }


def test_an_odd_old_record_is_one_line_and_hides_no_other(every_kind: Workplace, tmp_path: Path) -> None:
    """Records of older versions, without a checksum, with a value that is gone or another: nothing fails but in a line.

    The list of runs and the index are there whatever the record.
    """
    place = copy_of(every_kind, tmp_path)
    store = Store(place.root)
    paths = sorted(path for pattern in OLD_RECORDS for path in place.root.glob(pattern))
    for number in range(ODD_RECORDS):
        chance = random.Random(f"odd-{number}")
        path = chance.choice(paths)
        before = path.read_bytes()
        content = json.loads(before)
        content.pop("checksum", None)
        make_odd(content, chance)
        path.write_text(json.dumps(content, indent=2))
        for name, look in look_at_everything(store).items():
            try:
                look()
            except SlowburnError as error:
                assert name not in ("inspect", "verify", "index"), (path, str(error))
                assert "\n" not in str(error)
            except Exception as error:
                raise AssertionError(f"{name}, {path}, number {number}") from error
        path.write_bytes(before)
