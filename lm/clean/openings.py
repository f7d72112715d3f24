"""The first lines of a few documents, as they are trained on: a look at them tells whether they were read as meant."""

from itertools import islice
from pathlib import Path

from lm.text.documents import row_groups

OPENINGS = 5
ROW_GROUPS = 8  # of a large corpus, that are looked at for documents of other sources
OPENING_CHARACTERS = 300


def openings(clean: Path) -> list[dict[str, str]]:
    """The source, title and first lines of a few documents of the training text, of as many sources as there are."""
    found = dict[tuple[str, int], dict[str, str]]()
    for table in islice(row_groups(clean, "train", ("source", "title", "text")), ROW_GROUPS):
        seen = dict[str, int]()
        for row, source in enumerate(table["source"].to_pylist()):
            count = seen[source] = seen.get(source, 0) + 1
            if count <= OPENINGS and (source, count) not in found:
                title, text = (table[name][row].as_py() for name in ("title", "text"))
                found[source, count] = {"source": source, "title": title, "opening": text[:OPENING_CHARACTERS]}
    first_of_each = sorted(found, key=lambda key: key[1])
    return [found[key] for key in first_of_each[:OPENINGS]]
