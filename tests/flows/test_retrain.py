"""Retraining from end to end: the first champion, nothing new, a better challenger, and the way back."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, Outcome, Workplace, write_corpus


@pytest.fixture
def growing(workplace_of_done: Workplace, tmp_path: Path) -> Workplace:
    """A place where everything is done but a retraining, and whose corpus may change."""
    copy = tmp_path / "growing" / workplace_of_done.corpus.name
    workplace_of_done.corpus = Path(shutil.copytree(workplace_of_done.corpus, copy))
    return workplace_of_done


def grow(workplace: Workplace, seed: int) -> None:
    """Add new texts to the corpus."""
    for number, text in enumerate(sorted(write_corpus(workplace.root / "more", documents=36, seed=seed).iterdir())):
        shutil.copy(text, workplace.corpus / f"new-{number}.txt")


def retrain(workplace: Workplace, *arguments: str, **options: Any) -> Outcome:
    command = workplace.command(*arguments, **options)
    command[command.index("flows.pipeline")] = "flows.retrain"
    done = subprocess.run(command, cwd=PROJECT, env=workplace.environment, capture_output=True, text=True, timeout=240)
    return Outcome(done.returncode, done.stdout, done.stderr)


def decisions(workplace: Workplace) -> list[dict[str, Any]]:
    return list(json.loads((workplace.root / "artifacts" / "champion.json").read_text())["decisions"])


def test_retraining_promotes_only_what_is_better_on_text_that_none_has_seen(
    growing: Workplace, webhook: tuple[str, list[dict[str, Any]]]
) -> None:
    """First champion, then unchanged text, then new text and a better challenger, and the way back, all recorded.

    A webhook hears of the two promotions and of nothing else.
    """
    growing.environment["SLOWBURN_WEBHOOK"], heard = webhook
    first = retrain(growing, "--run-id", "first")
    assert first.code == 0, first
    assert "no champion to compare" in first.output
    assert {stage["status"] for stage in growing.record("first")["stages"].values()} == {"reused"}

    again = retrain(growing, "--run-id", "again")
    assert again.code == 0, again
    assert "has not changed" in again.output
    assert list(growing.record("again")["stages"]) == ["download", "clean"]

    grow(growing, seed=2)
    better = retrain(growing, "--run-id", "better", steps=90)
    assert better.code == 0, better
    promoted = decisions(growing)[-1]
    assert promoted["action"] == "promoted", promoted
    assert promoted["challenger"] == growing.record("better")["stages"]["train"]["key"]
    assert promoted["contest"]["ci95"][1] < 0
    assert growing.record("better")["decision"].startswith("promoted: the challenger is better")
    assert [message["event"] for message in heard] == ["promoted", "promoted"]
    assert heard[-1]["run_id"] == "better"

    lm = [sys.executable, "-m", "lm"]
    shown = subprocess.run([*lm, "champion"], cwd=PROJECT, env=growing.environment, capture_output=True, text=True)
    assert promoted["champion"] in shown.stdout
    assert "to retrain" in shown.stdout
    back = subprocess.run([*lm, "rollback"], cwd=PROJECT, env=growing.environment, capture_output=True, text=True)
    assert f"{promoted['previous']} is the champion now" in back.stdout


def test_a_challenger_goes_on_from_the_champion_s_weights(
    growing: Workplace, webhook: tuple[str, list[dict[str, Any]]]
) -> None:
    """`weights: champion` on new text: its weights and its tokenizer are where training begins, and they compete.

    All of it does without Prefect: the record says what was decided, and a person is told where one is to be told.
    """
    growing.environment["SLOWBURN_WEBHOOK"], heard = webhook
    growing.environment.pop("PREFECT_API_URL")
    assert retrain(growing, "--without-prefect", "--run-id", "first").code == 0
    assert growing.record("first")["decision"].startswith("promoted")
    assert [message["event"] for message in heard] == ["promoted"]
    champion = decisions(growing)[-1]["champion"]
    grow(growing, seed=3)
    no_shape = dict.fromkeys(("layers", "width", "heads", "kv_heads", "mlp_width"), "null")
    warm = retrain(growing, "--without-prefect", "--run-id", "warm", "--weights", "champion", steps=20, model=no_shape)
    assert warm.code == 0, warm
    assert not Path(growing.environment["PREFECT_HOME"]).exists()

    decision, train = decisions(growing)[-1], growing.record("warm")["stages"]["train"]
    assert (decision["previous"], decision["challenger"]) == (champion, train["key"])
    assert decision["contest"]["units"] + decision["contest"]["seen_units"] > 0
    model, before = growing.root / train["path"], growing.root / "artifacts" / "models" / champion
    assert json.loads((model / "manifest.json").read_text())["inputs"]["init"] == champion
    assert (model / "tokenizer.model").read_bytes() == (before / "tokenizer.model").read_bytes()
    assert decision["contest"]["challenger"]["bits_per_byte"] <= decision["contest"]["champion"]["bits_per_byte"] + 0.05
