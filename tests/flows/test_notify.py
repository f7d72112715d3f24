"""Telling a person: a webhook hears of failures and stops, only where one is named, and holds up nothing."""

from typing import Any

from tests.conftest import Workplace


def test_a_refused_run_is_told_and_a_complete_one_is_not(
    workplace_of_done: Workplace, webhook: tuple[str, list[dict[str, Any]]]
) -> None:
    """One message for what a person must look at, none for what went well; the address is shown nowhere."""
    workplace, (address, heard) = workplace_of_done, webhook
    workplace.environment["SLOWBURN_WEBHOOK"] = address
    assert workplace.run("--run-id", "well", "--until", "clean").code == 0
    assert heard == []
    refused = workplace.run("--run-id", "refused", "--memory", "50MiB")
    assert refused.code == 78
    assert [(message["event"], message["run_id"]) for message in heard] == [("failed", "refused")]
    assert "50 MiB" in heard[0]["text"]
    written = "".join(path.read_text() for path in workplace.root.glob("artifacts/runs/*/run.json"))
    assert "secret-token" not in refused.output + refused.errors + written
