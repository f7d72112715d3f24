"""What `slowburn inspect RUN --why` prints for people."""

from rich.console import Console, Group, RenderableType
from rich.text import Text

from lm.runs.explain import RunWhy

STYLES = {"computed": "bold", "reused": "green", "not in this run": "dim"}


def print_why(why: RunWhy, console: Console) -> None:
    """Print why each stage was reused or computed, and what is stale."""
    parts: list[RenderableType] = [Text(f"run {why.run_id}", "bold")]
    for stage in why.stages:
        parts += ["", Text.assemble((f"{stage.stage} {stage.key}", "bold"), "  ", (stage.status, STYLES[stage.status]))]
        parts.append(Text(f"  {stage.because}"))
        if stage.nearest:
            parts.append(Text(f"  against the nearest, {stage.nearest}:"))
            parts += [Text(f"    {difference}") for difference in stage.differences]
        if stage.stale:
            parts.append(Text(f"  stale: {stage.stale}", "yellow"))
    console.print(Group(*parts))
