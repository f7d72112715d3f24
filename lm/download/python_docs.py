"""The embedded corpus: what Python ships about itself, its language reference and its library's docstrings.

Modules are read with `ast` and never imported, so nothing runs and nothing depends on what is installed beside.
"""

import ast
import json
import os
import platform
import sysconfig
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import NamedTuple

from lm.progress import Progress

LAYOUT = 2  # to be raised when the same interpreter gives other documents
LICENCE = "PSF-2.0"
# What tests the library is no documentation, and what pip installed is not Python's own.
SKIPPED_FOLDERS = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "pydoc_data"}
SHORT_CHARACTERS = 80  # what many have in common, such as a heading or "Return the name."
Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Text(NamedTuple):
    """One document of the corpus."""

    name: str
    text: str


def address() -> str:
    """Name this interpreter's edition of the corpus."""
    return f"embedded:python-docs@{platform.python_version()}#{LAYOUT}"


def title() -> str:
    """Say what the corpus is, with the version of the interpreter that it comes from."""
    return f"Python {platform.python_version()}: language reference and docstrings of the standard library"


def documents() -> Iterator[Text]:
    """Yield one document for each topic of the language reference and each module of the library, in a fixed order.

    What stands in several of them is left out of all but one, for copies would be in training and held-out text both:
    a topic that is a part of a longer one, a docstring that an earlier module had already.
    """
    library = Path(sysconfig.get_path("stdlib"))
    yield from _topics(library / "pydoc_data" / "topics.py")  # other Pythons may ship without it
    seen: set[str] = set()
    for name, path in sorted(_modules(library)):
        if text := _module_text(name, path, seen):
            yield Text(name, text)


def write_json_lines(path: Path, progress: Progress) -> None:
    """Write the corpus as JSON lines of `document` and `text`."""
    written = 0
    try:
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            for document in documents():
                row = {"document": document.name, "text": document.text}
                written += stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                progress(written, None, "characters", document.name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _topics(path: Path) -> Iterator[Text]:
    """Read `pydoc_data.topics`, a module that holds one dictionary."""
    if not path.is_file():
        return
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.Assign):
            topics: dict[str, str] = ast.literal_eval(statement.value)
            kept: dict[str, str] = {}
            seen: set[str] = set()
            for name in sorted(topics, key=lambda topic: (-len(topics[topic]), topic)):
                paragraphs = topics[name].strip().split("\n\n")
                new = [text for text in paragraphs if len(text) <= SHORT_CHARACTERS or text not in seen]
                seen.update(paragraphs)
                if any(len(text) > SHORT_CHARACTERS for text in new):
                    kept[name] = "\n\n".join(new) + "\n"
            for name in sorted(kept):
                yield Text(f"topic {name}", kept[name])


def _modules(library: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(library):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS and name.isidentifier()]
        package = Path(folder).relative_to(library).parts
        for file in files:
            if file.endswith(".py"):
                module = () if file == "__init__.py" else (file.removesuffix(".py"),)
                yield ".".join((*package, *module)), Path(folder, file)


def _module_text(name: str, path: Path, seen: set[str]) -> str:
    """Join a module's new docstrings in the order of its source, each under the name of what it documents."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return ""
    pieces = []
    for heading, docstring in _docstrings(tree, name):
        if len(docstring) <= SHORT_CHARACTERS or docstring not in seen:
            pieces.append(f"{heading}\n\n{docstring}\n")
            seen.add(docstring)
    return "\n".join(pieces)


def _docstrings(node: Definition, name: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    if docstring := cleandoc(ast.get_docstring(node, clean=False) or ""):
        yield name, docstring
    for child in node.body:
        if isinstance(child, Definition):
            yield from _docstrings(child, f"{prefix}{child.name}", f"{prefix}{child.name}.")
