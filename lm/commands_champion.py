"""`python -m lm promote` and `rollback`: decide by hand which model is the champion."""

import argparse

from lm.champion import Decision, champion_path, promote, roll_back
from lm.command import Command, named_model
from lm.store import Store


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


PROMOTE = Command("promote", "make a model the champion, which is used where none is named", _declare_promote, _promote)
ROLLBACK = Command("rollback", "bring back the champion before this one", _add_reason, _roll_back)
