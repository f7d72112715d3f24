"""What is asked for on the command line becomes one config."""

from lm.cli.request import Request, read_request


def request(*settings: str, steps: int | None = None) -> Request:
    return read_request(corpus=(), settings=settings, steps=steps, minutes=2.0)


def test_steps_are_an_option_and_a_setting() -> None:
    """`--steps N` is the setting train.steps, and wins over a `--set` of it; without it there are none."""
    assert request(steps=40).config() == request("train.steps=40").config()
    assert request("train.steps=7", "train.layers=3", steps=40).config().train.steps == 40
    assert request().config().train.steps is None


def test_a_deadline_is_accepted_and_changes_nothing() -> None:
    """Commands, deployments and records of earlier versions have it; it goes with several seeds."""
    asked = read_request(corpus=(), settings=(), steps=None, minutes=2.0, deadline=True, seeds=3).config()
    assert asked.model_copy(update={"deadline": False, "seeds": 1}) == request().config()
