"""`champion`, `promote` and `rollback`: which model is the champion, and to decide so by hand."""

import json
import sys
import textwrap

import click

from lm.champions.champion import ChampionRecord, Decision, champion_path, load_champion, promote, roll_back
from lm.cli.command import command, json_option, option
from lm.cli.names import named_model
from lm.store.artifacts import Store

SHOWN_DECISIONS = 10
REASON = option("--reason", default="decided by hand", metavar="TEXT", help="kept with the decision")


@command()
@json_option
def champion_command(as_json: bool) -> int:
    """Show the champion, what was decided last, and how often to retrain."""
    from lm.champions.drift import drift_points, how_often  # brings numpy

    record = _told(Store.default())
    answer = how_often(drift_points(record.decisions)).sentence
    if as_json:
        print(json.dumps(record.model_dump(mode="json") | {"how_often": answer}, indent=2, ensure_ascii=False))
        return 0
    print(
        f"The champion is {record.champion}." if record.champion else "There is no champion: the newest model is used."
    )
    print(answer)
    for decision in record.decisions[-SHOWN_DECISIONS:]:
        print(f"\n{decision.decided}  {decision.action} {decision.champion or ''}".rstrip())
        print(textwrap.indent(textwrap.fill(decision.reason, 100), "  "))
    return 0


@command()
@click.argument("name", metavar="MODEL")
@REASON
def promote_command(name: str, reason: str) -> int:
    """Make MODEL (a run id, a key or a path) the champion, which is used where no model is named."""
    store = Store.default()
    _told(store)
    _say(store, promote(store, named_model(store, name).key, reason))
    return 0


@command()
@REASON
def rollback_command(reason: str) -> int:
    """Bring back the champion before this one."""
    store = Store.default()
    _told(store)
    _say(store, roll_back(store, reason))
    return 0


def _told(store: Store) -> ChampionRecord:
    """The record; that it is the copy is told."""
    record = load_champion(store)
    if record.warning:
        print(record.warning, file=sys.stderr)
    return record


def _say(store: Store, decision: Decision) -> None:
    before = f"before it was {decision.previous}" if decision.previous else "there was none before"
    print(f"{decision.champion} is the champion now; {before}. The record is {champion_path(store)}")
