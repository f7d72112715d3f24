"""Which files of a folder are not its text: those that tools and systems keep beside it."""

from collections.abc import Sequence
from pathlib import PurePosixPath

TOOL_FOLDERS = frozenset(
    {"node_modules", "__pycache__", "site-packages", "__MACOSX", "bower_components", "$RECYCLE.BIN"}
)
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})
LOCK_FILES = frozenset({"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "go.sum"})
LOCK_SUFFIXES = (".lock", ".lck")
SHORTCUT_SUFFIXES = (".url", ".webloc", ".desktop", ".lnk")
UNFINISHED_SUFFIXES = (".swp", ".swo", ".part", ".crdownload", ".tmp")
SETTINGS_FILE = "slowburn.toml"


def why_no_text(path: str) -> str | None:
    """Say why a file is no text that a person brought, by its path in a folder or archive; None where it may be."""
    *folders, name = [part for part in PurePosixPath(path).parts if part not in ("/", "..", ".")] or [""]
    for folder in folders:
        if reason := why_no_text_below(folder):
            return reason
    lowered = name.lower()
    if lowered == SETTINGS_FILE:
        return "the settings of Slowburn"
    if name.startswith("."):
        return "a hidden file"
    if lowered in SYSTEM_FILES or name.startswith("~$"):
        return "a file of the system"
    if lowered in LOCK_FILES or lowered.endswith(LOCK_SUFFIXES):
        return "a lock file"
    if lowered.endswith(SHORTCUT_SUFFIXES):
        return "a shortcut to something else"
    return "an unfinished file" if lowered.endswith(UNFINISHED_SUFFIXES) else None


def why_no_text_below(folder: str, files: Sequence[str] = ()) -> str | None:
    """The same of all that is in a folder, by its name and the names of its files."""
    if folder.startswith("."):
        return "in a hidden folder"
    if folder in TOOL_FOLDERS:
        return "in a folder of a tool"
    return "in a virtual environment" if "pyvenv.cfg" in files else None
