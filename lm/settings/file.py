"""`slowburn.toml`: settings in a file. What is wrong in it is told with its line."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lm.champions.retraining import RetrainPolicy
from lm.config import StageConfig
from lm.errors import BadInput
from lm.run_config import RunConfig, Tree, checked, explain, merged
from lm.settings.model import POLICY, Settings
from lm.text.tool_files import SETTINGS_FILE

MAX_BYTES = 2**20
CORPUS = "corpus"  # at the top of the file: short for download.corpus


@dataclass(frozen=True)
class SettingsFile:
    """A file of settings that was read: its text, and what it says as nested tables."""

    path: Path
    text: str
    tree: Tree

    def line(self, name: str) -> int | None:
        """Number of the line in which a setting stands; None where the file does not have it."""
        found = _line(self.text, name.split("."))
        return _line(self.text, [CORPUS]) if found is None and name == "download.corpus" else found

    def place(self, name: str) -> str:
        """Where a setting stands, for a person; empty where the file does not have it."""
        line = self.line(name)
        return "" if line is None else f"{self.path}, line {line}"

    @property
    def corpus(self) -> list[str]:
        """The corpus that the file names."""
        return list(self.tree.get("download", {}).get("corpus", ()))


def read_settings_file(path: Path) -> SettingsFile:
    """Read a file of settings, and check each. Raises BadInput with the file, the line, and a near name that exists."""
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = f"at line {len(text.splitlines())}, which is the last"
        raise BadInput(f"{path} is no TOML: {str(error).replace('at end of document', where)}") from None
    file = SettingsFile(path, text, _without_short_name(path, text, raw))
    try:
        Settings.model_validate(file.tree)
    except ValidationError as error:
        name = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadInput(f"{_nearest_place(file, name)}: {explain(error, Settings)}") from None
    return file


def find_settings_file(named: Path | None, corpus: Sequence[str]) -> tuple[SettingsFile | None, str]:
    """The file that is named, else the one in the current folder if there is one; and what to say about it.

    `corpus` is what was asked for without a file. No settings are taken from inside a corpus: others may have written
    it. Raises BadInput where such a file is named, or names a corpus around itself.
    """
    path = named or Path(SETTINGS_FILE)
    if named is None and not path.is_file():
        return None, ""
    if named is None and (around := _folder_around(path, corpus)):
        return None, f"{path} is not read: it lies in the corpus {around}"
    file = read_settings_file(path)
    check_outside_corpus(path, corpus or file.corpus)
    return file, f"settings: {path}"


def check_outside_corpus(path: Path, corpus: Sequence[str]) -> None:
    """Raise BadInput where a settings file lies in a folder of the corpus."""
    if around := _folder_around(path, corpus):
        raise BadInput(f"{path} lies in the corpus {around}: keep settings outside of what is trained on")


def with_settings_file(path: str, config: RunConfig, policy: RetrainPolicy | None = None) -> Settings:
    """What a file says, and over it what was set in `config` and `policy`, for a deployment. Raises BadInput."""
    asked = _what_was_set(config) | ({POLICY: _what_was_set(policy)} if policy else {})
    file, _ = find_settings_file(Path(path), asked.get("download", {}).get("corpus", ()))
    assert file, "it was named"
    return checked(Settings, merged(file.tree, asked))


def _what_was_set(config: StageConfig) -> Tree:
    """All of a config that is not there by default."""
    return config.model_dump(exclude_unset=True, context={"secrets": True})


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"the settings file {path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise BadInput(f"the settings file {path} has more than {MAX_BYTES:,} bytes: is it another file?")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}, line {line}: got bytes that are no UTF-8, expected a file in UTF-8") from None


def _without_short_name(path: Path, text: str, raw: Mapping[str, Any]) -> Tree:
    """The tables with `corpus` where the config has it; one word is a corpus too."""
    tree = merged(raw)
    if CORPUS not in tree:
        return tree
    corpus = tree.pop(CORPUS)
    download = tree.setdefault("download", {})
    if isinstance(download, dict):
        if CORPUS in download:
            line = _line(text, [CORPUS])
            raise BadInput(f"{path}, line {line}: got both corpus and download.corpus, expected one of them")
        download[CORPUS] = [corpus] if isinstance(corpus, str) else corpus
    return tree


def _nearest_place(file: SettingsFile, name: str) -> str:
    """Where a setting stands, or the table that should have it."""
    parts = name.split(".")
    while parts:
        if place := file.place(".".join(parts)):
            return place
        parts.pop()
    return str(file.path)


def _line(text: str, names: Sequence[str]) -> int | None:
    """Number of the line where a value begins: the first lines of the file that are TOML by themselves and have it."""
    lines, begun = text.split("\n"), 0
    for number in range(1, len(lines) + 1):
        try:
            tree = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # a value goes on in the next line
        if _has(tree, names):
            return begun + 1
        begun = number
    return None


def _has(tree: Any, names: Sequence[str]) -> bool:
    for name in names:
        if not isinstance(tree, dict) or name not in tree:
            return False
        tree = tree[name]
    return True


def _folder_around(path: Path, corpus: Sequence[str]) -> str:
    """The folder of a corpus in which a file lies; empty where it lies in none."""
    file = path.resolve()
    for word in corpus:
        try:
            folder = Path(word).expanduser().resolve()
            if folder.is_dir() and file.is_relative_to(folder):
                return word
        except (OSError, ValueError, RuntimeError):  # no path: a name of the catalogue, or an address
            continue
    return ""
