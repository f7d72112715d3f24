"""What a stage is asked to make."""

from pathlib import Path

from pydantic import BaseModel

from lm.config import JsonObject
from lm.store.artifacts import Store
from lm.store.integrity import check
from lm.store.layout import is_known


class StageWork(BaseModel, frozen=True):
    """A stage with everything resolved: what it makes, from what, how, and the key that follows."""

    root: Path
    stage: str
    key: str
    config: JsonObject
    inputs: dict[str, str]  # key of each, by stage or role

    @property
    def store(self) -> Store:
        """The store that holds the inputs and will hold the artifact."""
        return Store(self.root)

    def path(self, name: str) -> Path:
        """Folder of an input."""
        return self.store.path(name, self.inputs[name])

    def check_inputs(self) -> None:
        """Hash the files of every input. Raises Damaged where one is not what was written: nothing is made from it."""
        for name in self.inputs:
            if is_known(name):
                check(self.store.open(self.path(name)))

    def paths(self, *names: str) -> list[Path]:
        """Folders of those of these inputs that there are."""
        return [self.path(name) for name in names if name in self.inputs]
