"""`python -m lm champion`, `promote` and `rollback`: which model is the champion, and to decide so by hand."""

import argparse
import json
import textwrap

from lm.champions.champion import Decision, champion_path, load_champion, promote, roll_back
from lm.cli.command import Command, add_json, named_model
from lm.store.artifacts import Store

SHOWN_DECISIONS = 10


def _champion(options: argparse.Namespace) -> int:
    from lm.champions.drift import drift_points, how_often  # brings numpy

    record = load_champion(Store.default())
    answer = how_often(drift_points(record.decisions)).sentence
    if options.json:
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


def _declare_promote(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a model: run id, key or path")
    _add_reason(parser)


def _add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", default="decided by hand", help="kept with the decision")


def _promote(options: argparse.Namespace) -> int:
    store = Store.default()
    _say(store, promote(store, named_model(store, options.name).key, options.reason))
    return 0


def _roll_back(options: argparse.Namespace) -> int:
    store = Store.default()
    _say(store, roll_back(store, options.reason))
    return 0


def _say(store: Store, decision: Decision) -> None:
    before = f"before it was {decision.previous}" if decision.previous else "there was none before"
    print(f"{decision.champion} is the champion now; {before}. The record is {champion_path(store)}")


CHAMPION = Command("show the champion, what was decided, and how often to retrain", add_json, _champion)
PROMOTE = Command("make a model the champion, which is used where none is named", _declare_promote, _promote)
ROLLBACK = Command("bring back the champion before this one", _add_reason, _roll_back)
