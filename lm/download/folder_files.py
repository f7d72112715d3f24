"""The files of a folder that a person named: their text, and what tools, systems and Slowburn keep there."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lm.errors import BadInput
from lm.text.tool_files import why_no_text, why_no_text_below

OWN_FOLDERS = ("artifacts", "data/raw", "data/parts", "data/clean", "data/tokens")  # below Slowburn's root
CACHE_FOLDERS = {"blobs", "snapshots", "refs"}  # of Hugging Face's hub: names that lead to files by their hashes
CACHE_NAMES = "snapshots"


class FolderFiles:
    """Walks a folder; what it leaves out is kept in `left_out`: a file or a whole folder, and why."""

    def __init__(self, folder: Path, named: Sequence[Path], root: Path) -> None:
        """`named`: all folders that the user named; `root`: where Slowburn keeps what it makes."""
        self.folder = folder.resolve()
        self.left_out: list[tuple[Path, str]] = []
        self._named = [path.resolve() for path in named]
        self._own = {root.resolve() / name for name in OWN_FOLDERS}

    def files(self) -> Iterator[Path]:
        """Every file below the folder that may hold text, in no order. Raises BadInput where one cannot be listed."""
        for parent, folders, names in os.walk(self.folder, onerror=_cannot_list):
            is_cache = {*folders} >= CACHE_FOLDERS
            kept = list[str]()
            for name in folders:
                path = Path(parent, name)
                if reason := self._why_not_below(path, is_cache=is_cache):
                    self.left_out.append((path, reason))
                else:
                    kept.append(name)
            folders[:] = kept
            for name in names:
                path = Path(parent, name)
                if reason := why_no_text(name) or self._why_not(path):
                    self.left_out.append((path, reason))
                else:
                    yield path

    def _why_not_below(self, path: Path, *, is_cache: bool) -> str | None:
        if path in self._own:
            return "what Slowburn itself wrote"
        if path.is_symlink():
            return "a link to a folder: name the folder itself to have it read"
        if is_cache and path.name != CACHE_NAMES and path.name in CACHE_FOLDERS:
            return "what a cache's names lead to"
        files = ("pyvenv.cfg",) if (path / "pyvenv.cfg").is_file() else ()
        return why_no_text_below(path.name, files)

    def _why_not(self, path: Path) -> str | None:
        if not path.is_symlink():
            return None if path.is_file() else "no regular file"
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "a link to nothing"
        if not target.is_file():
            return "a link to no regular file"
        inside = any(target.is_relative_to(named) for named in self._named)
        return None if inside or _is_cached(path, target) else f"a link out of the folder, to {target}"


def _is_cached(link: Path, target: Path) -> bool:
    """Whether a link leads from the names of a hub's cache to the files of the same cache."""
    cache = target.parent.parent
    return target.parent.name == "blobs" and link.absolute().is_relative_to(cache / CACHE_NAMES)


def _cannot_list(error: OSError) -> None:
    raise BadInput(f"the folder {error.filename} cannot be read: {error.strerror}")
