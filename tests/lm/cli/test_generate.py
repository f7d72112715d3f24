"""What a model writes gives a terminal no orders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lm.cli.generate import _stream
from lm.generate import stage
from lm.generate.config import GenerateConfig

ORDERS = "\x1b[31mred\u202edab\u2066"


def test_a_single_sample_is_shown_like_all_others(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Escape codes and what turns the writing direction around are signs that can be seen, in prompt and text."""

    def written(*_: Any, **__: Any) -> Iterator[str]:
        yield from ORDERS

    monkeypatch.setattr(stage, "stream", written)
    _stream([Path()], GenerateConfig(prompts=(ORDERS,), samples=1))
    shown = capsys.readouterr().out
    assert shown == "␛[31mred�dab�" * 2 + "\n"
