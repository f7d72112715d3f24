"""`--deadline`: training takes its minutes on a machine that is slower or faster than planned, its rates at zero."""

import json

import pandas as pd
import pytest

from lm.errors import BadInput
from lm.run_config import build_config
from lm.train.deadline import Deadline, NewEnd
from tests.conftest import Workplace

ENDLESS = 40_000  # steps: any machine is too slow for them


def test_training_ends_in_time_and_says_so(workplace: Workplace) -> None:
    """The end is moved and the rates fall to it; the plan says so; a kill after that costs what any other does."""
    process = workplace.start("--run-id", "late", "--until", "train", "--deadline", steps=ENDLESS)
    plans = workplace.root / "artifacts" / "plans"
    workplace.wait_for(lambda: any('"former_ends": [\n' in path.read_text() for path in plans.glob("*.json")), process)
    workplace.wait_for(lambda: bool(workplace.checkpoints()), process)
    process.kill()
    process.communicate()

    outcome = workplace.run("--run-id", "again", "--until", "train", "--deadline", steps=ENDLESS)
    assert outcome.code == 0, outcome.errors
    train = workplace.record("again")["stages"]["train"]
    plan = json.loads((workplace.root / workplace.record("again")["plan"]).read_text())
    (first_move, planned), *_ = plan["recipe"]["former_ends"]
    assert planned == ENDLESS
    assert train["steps"] == plan["recipe"]["steps"] < ENDLESS
    assert train["resumed_from_step"] >= first_move
    first_told, *_ = [reason for reason in plan["reasons"] if "the learning rates fall" in reason]
    assert f"instead of {ENDLESS:,}" in first_told and first_told.endswith("fall faster.")

    curve = pd.read_parquet(workplace.root / train["path"] / "metrics.parquet")
    assert curve["learning_rate"].iloc[-1] < plan["recipe"]["muon_rate"] / 10
    assert not list(workplace.root.glob("artifacts/models/.*.partial"))

    assert "Nothing to do" in workplace.run("--run-id", "third", "--until", "train", "--deadline", steps=ENDLESS).output


def test_seeds_that_are_compared_all_make_the_same_steps() -> None:
    """Several seeds and a deadline are refused together, in one line that says why."""
    with pytest.raises(BadInput, match="seeds: got 3: with a deadline each seed could end after other steps"):
        build_config({"deadline": True, "seeds": 3})


@pytest.mark.parametrize(
    ("pace", "last_look", "most_steps", "end"),
    [
        (1.01, 95, 1000, None),
        (2.0, 20, 1000, NewEnd(step=5, steps=49, step_seconds=2.0)),
        (1.06, 30, 1000, None),
        (1.06, 60, 1000, NewEnd(step=40, steps=93, step_seconds=1.06)),
        (0.5, 20, 1000, NewEnd(step=20, steps=196, step_seconds=0.5)),
        (0.5, 20, 150, NewEnd(step=20, steps=150, step_seconds=0.5)),
        (0.5, 95, 100, None),
        (0.92, 20, 1000, None),
        (0.92, 60, 1000, NewEnd(step=40, steps=107, step_seconds=0.92)),
        (0.97, 95, 1000, None),
    ],
)
def test_only_what_misses_its_end_gets_another(
    pace: float, last_look: int, most_steps: int, end: NewEnd | None
) -> None:
    """A training that keeps its pace is left alone; a slow one gets what time allows, a fast one what time is left.

    Where little is at stake it is seen first whether the pace stays so. Never more steps than were asked for, or than
    do more than learn the text by heart.
    """
    deadline = Deadline(100.0, most_steps)
    for step in range(0, last_look + 1, 5):
        if not deadline.new_end:
            deadline.look(step, 100, step * pace)
    assert deadline.new_end == (end and pytest.approx(end))
