"""`artifacts/index.html`: every run and every decision about the champion on one page, each run with its report."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lm.champions.champion import ChampionRecord, Decision, load_champion
from lm.champions.drift import drift_points, how_often
from lm.errors import SlowburnError
from lm.formatting import counted, format_bytes, format_duration
from lm.report.page import Chart, write_page
from lm.report.run_facts import RunFacts, gather_facts
from lm.runs.run_record import REPORT_FILE, RunRecord, list_runs, run_folder
from lm.store.artifacts import Store

INDEX_FILE = "index.html"
TEMPLATE = "run_index.html.jinja"
MAX_RUNS, MAX_DECISIONS = 300, 12
ACTIONS = {"promoted": "A new champion", "kept": "The champion stays", "rolled back": "An earlier champion is back"}


class RunRow(NamedTuple):
    """One run."""

    id: str
    report: str  # its address, "" where there is none
    corpus: str
    status: str
    note: str
    is_champion: bool
    bits: str
    peak: str
    took: str
    started: str


class DecisionRow(NamedTuple):
    """One decision about the champion."""

    decided: str
    what: str
    reason: str
    champion: str


class Champion(NamedTuple):
    """The champion, how often to retrain, and the newest decisions."""

    key: str | None
    run: RunRow | None  # that made it
    how_often: str
    drift: Chart | None
    decisions: list[DecisionRow]


def render_index(store: Store) -> Path:
    """Write the index, whole or not at all, and return its path. Loads matplotlib: call it in a child process."""
    path = store.root / "artifacts" / INDEX_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(path, TEMPLATE, _content(store))
    return path


def _content(store: Store) -> dict[str, object]:
    runs = list_runs(store)
    record, problem = _record(store)
    facts = [gather_facts(store, run) for run in runs[:MAX_RUNS]]
    return {
        "lede": _lede(runs, record),
        "problem": problem,
        "champion": _champion(store, record, facts),
        "runs": [_row(store, found, record.champion) for found in facts],
        "left_out": len(runs) - len(facts),
    }


def _record(store: Store) -> tuple[ChampionRecord, str]:
    """The champion's record, or an empty one and what is wrong with it: the list of runs is worth having without."""
    try:
        record = load_champion(store)
        return record, record.warning
    except SlowburnError as error:
        return ChampionRecord(), str(error)


def _lede(runs: list[RunRecord], record: ChampionRecord) -> str:
    models = {run.stages["train"].key for run in runs if "train" in run.stages}
    promotions = sum(decision.action == "promoted" for decision in record.decisions)
    parts = [counted(len(runs), "run"), counted(len(models), "model"), counted(promotions, "champion")]
    return f"{', '.join(parts)} so far, the newest first."


def _champion(store: Store, record: ChampionRecord, facts: list[RunFacts]) -> Champion | None:
    if not record.decisions:
        return None
    points = drift_points(record.decisions)
    drift = None
    if points:
        from lm.report.drift_chart import drift_svg  # deferred: matplotlib weighs, and most pages need no curve

        drift = Chart.of(drift_svg(points))
    run = next((found for found in facts if _model(found.run) == record.champion), None)
    return Champion(
        key=record.champion,
        run=_row(store, run, record.champion) if run else None,
        how_often=how_often(points).sentence,
        drift=drift,
        decisions=[_decision(decision) for decision in reversed(record.decisions[-MAX_DECISIONS:])],
    )


def _decision(decision: Decision) -> DecisionRow:
    return DecisionRow(
        decided=_date(decision.decided),
        what=ACTIONS[decision.action],
        reason=decision.reason[:1].upper() + decision.reason[1:],
        champion=decision.champion or "",
    )


def _row(store: Store, facts: RunFacts, champion: str | None) -> RunRow:
    run = facts.run
    there = (run_folder(store, run.run_id) / REPORT_FILE).is_file()
    return RunRow(
        id=run.run_id,
        report=f"runs/{run.run_id}/{REPORT_FILE}" if there else "",
        corpus=facts.corpus,
        status="reused" if run.reused else run.status,
        note=run.decision or (run.reason if run.status != "completed" else ""),
        is_champion=champion is not None and _model(run) == champion,
        bits=f"{facts.evaluation.bits_per_byte:.3f}" if facts.evaluation else "",
        peak=format_bytes(run.peak_memory_bytes) if run.peak_memory_bytes else "",
        took=format_duration(run.seconds),
        started=_date(run.started),
    )


def _model(run: RunRecord) -> str | None:
    return run.stages["train"].key if "train" in run.stages else None


def _date(moment: str) -> str:
    return f"{datetime.fromtimestamp(datetime.fromisoformat(moment).timestamp()):%d %B %Y, %H:%M}".lstrip("0")
