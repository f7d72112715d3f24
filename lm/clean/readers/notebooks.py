"""Jupyter notebooks: what was written in them, and not what running them gave."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from lm.clean.readers.input_file import InputFile, Passage, Unreadable

MAX_CHARACTERS = 2**26  # with the pictures in its outputs


def read_notebook(file: InputFile) -> Iterator[Passage]:
    """Read the cells of Markdown and of code as one document. Raises Unreadable where there are none."""
    text = file.head(MAX_CHARACTERS + 1)
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"a notebook of more than {MAX_CHARACTERS // 10**6} million characters")
    try:
        notebook = orjson.loads(text)
    except ValueError:
        raise Unreadable("a notebook that is no JSON, or cut short") from None
    kinds, written = {"markdown": 0, "code": 0}, list[str]()
    for cell in _cells(notebook):
        source = cell.get("source", cell.get("input", ""))
        source = "".join(filter(_is_text, source)) if isinstance(source, list) else source
        if (kind := cell.get("cell_type")) in kinds and isinstance(source, str) and source.strip():
            kinds[kind] += 1
            written.append(source.strip("\n"))
    if not written:
        raise Unreadable("a notebook without text")
    file.unit, file.amount, file.left_out = "cells", len(written), "outputs left out"
    yield Passage("\n\n".join(written) + "\n")


def _cells(notebook: Any) -> Iterator[Mapping[str, Any]]:
    sheets = [notebook, *notebook.get("worksheets", ())] if isinstance(notebook, Mapping) else []
    for sheet in sheets:
        cells = sheet.get("cells") if isinstance(sheet, Mapping) else None
        yield from (cell for cell in (cells if isinstance(cells, list) else ()) if isinstance(cell, Mapping))


def _is_text(line: Any) -> bool:
    return isinstance(line, str)
