"""What a retraining may be told, and what it decides: whether to train at all, and whether the challenger wins."""

from typing import Literal

from pydantic import Field

from lm.champions.champion import ChampionRecord, Decision, keep, load_champion, promote
from lm.champions.contest import Contest
from lm.champions.good_time import GoodTime
from lm.config import StageConfig
from lm.memory.budget import Size
from lm.runs.lineage import origins
from lm.store.artifacts import Artifact, Store

TOLERANCE = 0.02  # bits per byte that a champion may lose before that is worth a training
FIRST = "the first model of its kind: there was no champion to compare it with"


class RetrainPolicy(StageConfig):
    """When to retrain, from what, and what the challenger must show."""

    when: Literal["changed", "drifted", "always"] = Field(
        "changed",
        description="train when the text has changed; only when the champion has also drifted on it; or every time",
    )
    weights: Literal["scratch", "champion"] = Field(
        "scratch", description="start from random weights with a new tokenizer, or from the champion with its own"
    )
    margin: float = Field(
        0.0, ge=0, description="bits per byte that the challenger must be better by, with 97.5 % confidence"
    )
    drift: float = Field(
        TOLERANCE, ge=0, description="bits per byte that the champion may lose on new text before it has drifted"
    )
    elders: int = Field(3, ge=0, description="earlier champions that are measured too, for the drift curve")
    disk: Size | None = Field(
        None,
        description="disk that all artifacts may take, such as 20GiB: the longest unused are removed, never a champion",
    )
    good_time: GoodTime = Field(GoodTime(), description="what to wait for before it begins")


def is_same_text(store: Store, champion: Artifact, raw_key: str) -> bool:
    """Whether the champion was trained on the very sources of this raw artifact."""
    found = origins(store, champion).get("download")
    return found is not None and found.key == raw_key


def has_drifted(contest: Contest, policy: RetrainPolicy) -> bool:
    """Whether the champion has surely lost more on the new text than it may; where nothing can be told, it has."""
    return contest.drift_ci95 is None or contest.drift_ci95[0] > policy.drift


def previous_champions(store: Store, policy: RetrainPolicy) -> list[str]:
    """Former champions whose models are still there, oldest first: the newest `policy.elders` of them."""
    record = load_champion(store)
    former = [decision.champion for decision in record.decisions if decision.action == "promoted"]
    kept = [key for key in dict.fromkeys(former) if key and key != record.champion and store.find("train", key)]
    return kept[-policy.elders :] if policy.elders else []


def lost_before(record: ChampionRecord, challenger: str, text: str) -> Decision | None:
    """An earlier decision in which this challenger lost to this champion on this text."""
    for decision in record.decisions:
        same_text = decision.contest is not None and decision.contest.text == text
        if same_text and (decision.action, decision.champion, decision.challenger) == (
            "kept",
            record.champion,
            challenger,
        ):
            return decision
    return None


def settle(store: Store, contest: Contest, challenger: str, policy: RetrainPolicy, run_id: str) -> Decision:
    """Promote the challenger if it won, keep the champion otherwise; either is recorded with the numbers."""
    sentence = contest.sentence(policy.margin)
    if contest.is_won(policy.margin):
        return promote(store, challenger, sentence, run_id=run_id, contest=contest)
    return keep(store, sentence, challenger=challenger, run_id=run_id, contest=contest)
