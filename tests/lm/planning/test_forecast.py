"""`slowburn plan`: what a run would take, said before anything is started."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.planning.expected_loss import expected_bits_per_byte
from tests.conftest import Workplace

PROJECT = Path(__file__).parents[3]

STAGES = ["download", "clean", "plan", "tokenize", "train", "compressors", "evaluate", "generate"]


class Answer(NamedTuple):
    """What the command printed."""

    code: int
    output: str
    errors: str


Ask = Callable[..., Answer]


@pytest.fixture
def ask(workplace: Workplace) -> Ask:
    """Run `slowburn plan` on the tiny corpus."""

    def run(*arguments: str, corpus: str = "") -> Answer:
        command = [sys.executable, "-m", "lm", "plan", "--corpus", corpus or str(workplace.corpus), *arguments]
        done = subprocess.run(
            command, cwd=PROJECT, env=workplace.environment, capture_output=True, text=True, timeout=60
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


def test_a_run_is_forecast_before_anything_is_made(ask: Ask, workplace: Workplace) -> None:
    """Every stage, the budget, the training and what would change, for a corpus that nobody has cleaned yet."""
    outcome = ask("--minutes", "5", "--memory", "2GiB", "--json")
    assert outcome.code == 0, outcome.errors
    found = json.loads(outcome.output)
    assert [stage["stage"] for stage in found["stages"]] == STAGES
    assert all(stage["fits"] and stage["predicted_memory_bytes"] and not stage["done"] for stage in found["stages"])
    assert (found["budget"]["bytes"], found["budget"]["source"]) == (2 << 30, "flag")
    assert found["training"]["tokens"] and found["training"]["passes"]
    expected = found["training"]["bits_per_byte"]
    assert expected["low"] < expected["likely"] < expected["high"]
    changes = [other["change"] for other in found["alternatives"]]
    assert changes[:4] == ["half the memory", "twice the memory", "half the time", "twice the time"]
    reading = found["corpus"]["reading"]
    assert reading["files"] == reading["looked_at"] == len(list(workplace.corpus.iterdir())) and reading["whole"]
    assert reading["readings"][0]["sentence"].endswith(": text, 1 document")
    assert reading["openings"][0]["opening"]
    assert not list((workplace.root / "data").glob("*/*")), "nothing was made"

    text = ask("--minutes", "5", "--memory", "2GiB")
    assert "2.00 GiB: asked for" in text.output
    assert "bits per byte" in text.output
    assert ": text, 1 document (and " in " ".join(text.output.split())


def test_a_plan_counts_the_text_of_a_table_and_says_how_it_is_read(
    ask: Ask, workplace: Workplace, tmp_path: Path
) -> None:
    """Ids and dates are no text; what is left out is named, and what holds no text."""
    workplace.corpus = tmp_path / "export"
    workplace.corpus.mkdir()
    rows = "".join(f'{n},2020-01-01T10:00:00Z,"The tide fell on day {n}, as it always had."\n' for n in range(9000))
    (workplace.corpus / "notes.csv").write_text(f"id,created,body\n{rows}")
    (workplace.corpus / "prices.csv").write_text("id,price\n" + "".join(f"{n},{n}.5\n" for n in range(99)))
    found = json.loads(ask("--json").output)["corpus"]
    assert found["bytes"] == sum(len(f"The tide fell on day {n}, as it always had.") for n in range(9000))
    assert [reading["sentence"] for reading in found["reading"]["readings"]] == [
        "export/notes.csv: table, column body, 9,000 rows; 2 columns left out: id, created"
    ]
    assert found["reading"]["skipped"][0].startswith("export/prices.csv: a table without a column of text")
    assert found["reading"]["openings"][0]["opening"] == "The tide fell on day 0, as it always had."


def test_what_cannot_fit_is_refused_with_the_least_that_would_do(ask: Ask) -> None:
    """Exit code 78 and one line; with the budget that it names the same request fits."""
    outcome = ask("--memory", "200MiB")
    assert outcome.code == 78
    assert "200 MiB" in outcome.errors
    advised = outcome.errors.split("--memory ")[1].split()[0]
    assert ask("--memory", advised).code == 0


def test_a_kept_plan_and_finished_stages_are_used(ask: Ask, workplace_of_done: Workplace) -> None:
    """What the pipeline has settled and made is neither guessed nor counted again."""
    command = workplace_of_done.command("--json")
    found = json.loads(ask("--minutes", "0.2", *command[command.index("--set") :]).output)
    (plan,) = workplace_of_done.root.glob("artifacts/plans/[!m]*.json")
    assert found["kept_plan"] == f"artifacts/plans/{plan.name}"
    assert found["training"]["recipe"] == json.loads(plan.read_text())["recipe"]
    assert [stage["stage"] for stage in found["stages"] if stage["done"]] == STAGES


def test_an_address_of_unknown_size_says_what_to_do(ask: Ask) -> None:
    """One line, exit code 2."""
    outcome = ask(corpus="https://example.org/unknown.txt")
    assert outcome.code == 2
    assert "--until clean" in outcome.errors


def test_more_time_promises_a_better_model(ask: Ask, workplace: Workplace, tmp_path: Path) -> None:
    """The table answers the question it is asked for."""
    workplace.corpus = tmp_path / "larger.txt"
    texts = sorted((PROJECT / "docs").glob("*.md"))
    workplace.corpus.write_text("".join(path.read_text() for path in texts) * 20)
    found = json.loads(ask("--minutes", "1", "--json").output)
    other = {row["change"]: row["training"]["bits_per_byte"]["likely"] for row in found["alternatives"]}
    assert other["twice the time"] <= found["training"]["bits_per_byte"]["likely"] <= other["half the time"]


@given(st.floats(1e10, 1e17), st.floats(0.01, 100))
def test_reading_a_text_again_helps_less_and_less(flops: float, passes: float) -> None:
    """Twice the training on the same text is expected to be better, but never by more than on twice the text."""
    now = expected_bits_per_byte(2.0, flops, passes).likely
    again, more_text = (expected_bits_per_byte(2.0, 2 * flops, read).likely for read in (2 * passes, passes))
    assert more_text <= again <= now


def test_what_was_measured_lies_in_the_interval_that_is_given_for_it() -> None:
    """The default run needed 1.47 bits per byte after 2,255 steps, 6.7 passes over Python's documentation."""
    expected = expected_bits_per_byte(2.045, 6.27e13, 6.7)
    assert expected.low < 1.47 < expected.high
    assert (expected.high - expected.low) / expected.likely < 0.25, "and the interval says something"


def test_several_seeds_take_several_times_the_training(ask: Ask) -> None:
    """The minutes are each seed's: the forecast says so, and what they take together."""
    one, three = (json.loads(ask("--minutes", "2", "--seeds", seeds, "--json").output) for seeds in ("1", "3"))
    seconds = [
        next(stage["seconds"] for stage in found["stages"] if stage["stage"] == "train") for found in (one, three)
    ]
    assert seconds[1] == pytest.approx(3 * seconds[0])
    assert one["training"] == three["training"]
    assert "each of 3 seeds" in ask("--minutes", "2", "--seeds", "3").output
