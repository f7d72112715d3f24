"""The comments that stand beside fields and columns in the code: they say what each one means."""

import inspect
import re
from types import ModuleType
from typing import is_typeddict

FIELD = re.compile(r'^\s+\(?"?(\w+)"?[:,].*?  # (.+)$', re.MULTILINE)


def comments_beside(source: type | ModuleType) -> dict[str, str]:
    """The comment of each field of a class, its bases included, or of each column that a module lists."""
    if not isinstance(source, type):
        return dict(FIELD.findall(inspect.getsource(source)))
    found: dict[str, str] = {}
    for base in reversed(_bases(source)):
        found |= dict(FIELD.findall(inspect.getsource(base)))
    return found


def _bases(kind: type) -> list[type]:
    """A class and those of our classes that it extends; a typed dictionary forgets them but for their names."""
    extended = getattr(kind, "__orig_bases__", ()) if is_typeddict(kind) else kind.__mro__[1:]
    ours = [base for base in extended if getattr(base, "__module__", "").split(".")[0] == "lm"]
    return [kind, *(more for base in ours for more in (_bases(base) if is_typeddict(kind) else [base]))]
