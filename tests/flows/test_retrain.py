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
def growing(workplace: Workplace, tmp_path: Path) -> Workplace:
    """A workplace whose corpus may change."""
    workplace.corpus = Path(shutil.copytree(workplace.corpus, tmp_path / "growing"))
    return workplace


def retrain(workplace: Workplace, *arguments: str, steps: int, model: dict[str, Any] | None = None) -> Outcome:
    command = workplace.command(*arguments, steps=steps, model=model)
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
    first = retrain(growing, steps=4)
    assert first.code == 0, first
    assert "no champion to compare" in first.output

    again = retrain(growing, "--run-id", "again", steps=4)
    assert again.code == 0, again
    assert "has not changed" in again.output
    assert list(growing.record("again")["stages"]) == ["download", "clean"]

    for number, text in enumerate(sorted(write_corpus(growing.root / "more", documents=36, seed=2).iterdir())):
        shutil.copy(text, growing.corpus / f"new-{number}.txt")
    better = retrain(growing, "--run-id", "better", steps=60)
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


def test_a_challenger_goes_on_from_the_champion_s_weights(growing: Workplace) -> None:
    """`weights: champion` on new text: its weights and its tokenizer are where training begins, and they compete."""
    assert retrain(growing, steps=30).code == 0
    champion = decisions(growing)[-1]["champion"]
    for number, text in enumerate(sorted(write_corpus(growing.root / "more", documents=36, seed=3).iterdir())):
        shutil.copy(text, growing.corpus / f"new-{number}.txt")
    no_shape = dict.fromkeys(("layers", "width", "heads", "kv_heads", "mlp_width"), "null")
    warm = retrain(growing, "--run-id", "warm", "--weights", "champion", steps=20, model=no_shape)
    assert warm.code == 0, warm

    decision, train = decisions(growing)[-1], growing.record("warm")["stages"]["train"]
    assert (decision["previous"], decision["challenger"]) == (champion, train["key"])
    assert decision["contest"]["units"] + decision["contest"]["seen_units"] > 0
    model, before = growing.root / train["path"], growing.root / "artifacts" / "models" / champion
    assert json.loads((model / "manifest.json").read_text())["inputs"]["init"] == champion
    assert (model / "tokenizer.model").read_bytes() == (before / "tokenizer.model").read_bytes()
    assert decision["contest"]["challenger"]["bits_per_byte"] <= decision["contest"]["champion"]["bits_per_byte"] + 0.05
