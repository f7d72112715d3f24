"""What one may do now with a run: what fits how it ended, with the command for it."""

from collections.abc import Iterator
from typing import NamedTuple

from lm.report.run_facts import RunFacts
from lm.runs.run_record import RunRecord

TIMES_LONGER = 4
CORRECT = "Correct what the reason above names. All other settings of this run are kept, and so is what is finished."

MAKE_FIT = "Give it the memory that the reason above names, or make the model smaller."
REPORT_IT = (
    "This is an error in Slowburn. Report it with error.txt, which lies beside this page, and with what this says."
)


class NextStep(NamedTuple):
    """Something to do, and the command for it."""

    text: str
    command: str


def next_steps(facts: RunFacts) -> Iterator[NextStep]:
    """What one may do now."""
    run = facts.run
    if run.status in ("running", "paused"):
        yield NextStep("If it does not run any more, start it again: it continues from its last checkpoint.", run.again)
    elif run.status == "stopped":
        yield NextStep("Continue where it stopped: nothing that is finished is done again.", run.again)
    elif run.status == "failed":
        yield _after_failure(run)
    elif "train" in run.stages:
        yield from _with_the_model(facts)
    else:
        yield NextStep("Go on with the stages after it.", f"slowburn run --like {run.run_id}")
    yield NextStep(
        "See what this run came to, stage by stage, and why each was made or reused.", f"slowburn inspect {run.run_id}"
    )


def _after_failure(run: RunRecord) -> NextStep:
    like = f"slowburn run --like {run.run_id}"
    in_text = run.unfinished is not None and run.unfinished.stage in ("download", "clean")
    match run.error:
        case "BadInput" if in_text:
            return NextStep(CORRECT, f"{like} --corpus NAME|PATH|URL")
        case "BadInput":
            return NextStep(CORRECT, f"{like} --set NAME=VALUE")
        case "CannotFit":
            return NextStep(MAKE_FIT, f"{like} --memory SIZE")
        case "Crash":
            return NextStep(REPORT_IT, "slowburn doctor")
    return NextStep("Remove the cause that is named above, then run it again: what is finished is kept.", run.again)


def _with_the_model(facts: RunFacts) -> Iterator[NextStep]:
    run, minutes = facts.run, facts.run.config.get("minutes")
    yield NextStep("Let the model write more.", f"slowburn generate {run.run_id}")
    if facts.spread:
        yield NextStep("Use the models of all seeds as one.", f"slowburn generate {run.run_id} --ensemble")
    if minutes:
        yield NextStep(
            "Give it more time: the text is ready, so only training and the stages after it run.",
            f"slowburn run --like {run.run_id} --minutes {minutes * TIMES_LONGER:g}",
        )
    yield NextStep("Train on your own text.", "slowburn run --corpus path/to/your/texts")
