"""What a pruning says to people: run by run, what goes of each, and how it is made again."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from lm.formatting import format_bytes, listing
from lm.inspection.retention import PACK, Removal
from lm.runs.pruned import remake
from lm.runs.run_record import RunRecord, list_runs
from lm.store.artifacts import Store

NOUNS = {
    "download": "raw text",
    "clean": "clean text",
    "tokenize": "tokens",
    "train": "model",
    "evaluate": "evaluation",
    "generate": "samples",
}
UNFINISHED = "trainings that were begun and not continued"
PARTS = "what cleaning keeps of each source"
NO_RUN = "artifacts that no run needs any more"


def pruning_lines(store: Store, removals: Sequence[Removal]) -> Iterator[str]:
    """One line for each run that loses something, those unused for longest first, and one for whatever has no run."""
    runs, places = {run.run_id: run for run in list_runs(store)}, dict.fromkeys(map(_whose, removals))
    order = list(places)
    for whose, found in groupby(sorted(removals, key=lambda each: order.index(_whose(each))), _whose):
        group = list(found)
        size = format_bytes(sum(each.bytes for each in group))
        used = max(each.last_used for each in group).partition("T")[0]
        if run := runs.get(whose):
            yield f"run {whose} ({_about(run)}): {_what(group)}, {size}, last used {used}; again: {remake(run)}"
        else:
            yield f"{whose}: {_what(group)}, {size}, last used {used}"


def _whose(removal: Removal) -> str:
    if removal.stage == PACK:
        return PARTS
    return UNFINISHED if removal.unfinished else removal.run_id or NO_RUN


def _about(run: RunRecord) -> str:
    return f"{listing(run.corpus)}, {run.status}"


def _what(group: Sequence[Removal]) -> str:
    """The kinds of things that go, with their number where there are several."""
    names = [NOUNS.get(each.stage, each.stage) for each in group]
    counts = {name: names.count(name) for name in names}
    return listing(f"{name} ({number} of them)" if number > 1 else name for name, number in counts.items())
