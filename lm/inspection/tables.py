"""What `slowburn inspect` and `verify` print for people, as rich tables."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from lm.formatting import flattened, format_bytes, format_duration
from lm.inspection.listing import ArtifactView, Entry, Listing, RunView
from lm.inspection.parquet_head import Head
from lm.inspection.verify import Verification
from lm.runs.lineage import Lineage
from lm.stages import headline
from lm.text.plain_text import visible

if TYPE_CHECKING:
    from lm.inspection.source import SourceView

ROWS_SHOWN = 2
SOURCES_SHOWN = 5
STATUS_STYLES = {"damaged": "bold red", "failed": "bold red", "stopped": "yellow", "unfinished": "yellow"}


def print_listing(listing: Listing, console: Console, *, everything: bool = False) -> None:
    """Print what runs came to, the result first; the artifacts only where everything is wanted."""
    if not listing.runs and not listing.artifacts:
        console.print("Nothing was made yet. `make run` makes the first model.")
        return
    if listing.runs:
        console.print(_runs_table(listing.runs), "")
    if listing.artifacts and (everything or not listing.runs):
        console.print(_artifacts_table(listing.artifacts), "")
    elif listing.artifacts:
        size = format_bytes(sum(entry.bytes for entry in listing.artifacts))
        console.print(f"{len(listing.artifacts)} artifacts, {size}: --all lists them")


def print_artifact(view: ArtifactView, console: Console) -> None:
    """Print one artifact: what it is, where it comes from, what it holds."""
    manifest = view.manifest
    facts = {
        "path": view.path,
        "created": manifest.created,
        "took": format_duration(manifest.seconds),
        "peak memory": "" if manifest.peak_memory_bytes is None else format_bytes(manifest.peak_memory_bytes),
        "size": format_bytes(view.bytes),
        "runs": ", ".join(view.used_by_runs),
    }
    parts: list[RenderableType] = [Text(f"{manifest.stage} {manifest.key}", "bold")]
    for title, values in (("", {"result": headline(manifest)} | facts), ("Metrics", manifest.metrics)):
        parts += [Text(title, "bold")] * bool(title) + [_pairs(values), ""]
    parts.pop()
    for title, values in (("Config", manifest.config), ("Numerics", manifest.numerics)):
        if values:
            parts += ["", Text(title, "bold"), _pairs(values)]
    parts += ["", Text("Made with", "bold"), _pairs(manifest.versions)]
    parts += ["", _tree("Made from", view.made_from), "", _tree("Made into", view.made_into)]
    parts += ["", _files_table(view)]
    for file, head in view.heads.items():
        parts += ["", _head_table(file, head)]
    console.print(Group(*parts))


def print_run(view: RunView, console: Console, *, everything: bool = False) -> None:
    """Print one run: what it came to, then what it did, stage by stage."""
    run = view.run
    results = [view.headlines[name] for name in ("evaluate", "train") if view.headlines.get(name)]
    facts = {
        "result": ", ".join(results),
        "status": run.status,
        "reason": run.reason,
        "pruned": f"{', '.join(view.pruned)}; `{view.remake}` makes that again" if view.pruned else "",
        "decided": run.decision,
        "started": run.started,
        "took": format_duration(run.seconds),
        "peak memory": "" if run.peak_memory_bytes is None else format_bytes(run.peak_memory_bytes),
        "budget": f"{format_bytes(run.budget.bytes)} ({run.budget.origin})",
        "command": run.command,
        "report": view.report_link,
    }
    table = Table("stage", "status", "time", "peak memory", "key", "why", box=None, pad_edge=False)
    for variant, stages in {"": run.stages, **run.variants}.items():
        for name, stage in stages.items():
            peak = "" if stage.peak_memory_bytes is None else format_bytes(stage.peak_memory_bytes)
            named = f"{name} ({variant})" if variant else name
            status = "pruned" if name in view.pruned and not variant else stage.status
            table.add_row(named, status, format_duration(stage.seconds), peak, stage.key, stage.reason)
    if run.unfinished:
        table.add_row(
            run.unfinished.stage, Text("unfinished", "yellow"), "", "", run.unfinished.key, run.unfinished.progress
        )
    parts: list[RenderableType] = [Text(f"run {run.run_id}", "bold"), _pairs(facts), ""]
    parts.append(table if table.rows else "It came to no stage.")
    if everything:
        parts += ["", Text("Config", "bold"), _pairs(run.config)]
    console.print(Group(*parts))


def print_source(view: "SourceView", console: Console) -> None:
    """Print what holds a source, or that nothing does."""
    if not view.holders:
        console.print(Text(f"Nothing here holds a source with “{visible(view.fragment)}” in its name or address."))
        return
    sources = [visible(name) for name in view.sources]
    more = len(sources) - SOURCES_SHOWN
    named = ", ".join(sources[:SOURCES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    table = Table("stage", "key", "holds", "path", box=None, pad_edge=False)
    for holder in view.holders:
        table.add_row(holder.stage, holder.key, holder.holds, holder.path)
    console.print(Group(Text(named, "bold"), table))


def print_verification(verification: Verification, console: Console) -> None:
    """Print what was found damaged, or that nothing was."""
    for damage in verification.damages:
        console.print(Text.assemble((damage.path, "bold red"), f" {damage.what}"))
        console.print(Text(f"  to mend it: {damage.remake}"), soft_wrap=True)
    records = f", {verification.records} records" if verification.records else ""
    files, size = verification.files, format_bytes(verification.bytes)
    looked_at = f"{verification.artifacts} artifacts, {files} files, {size}{records}"
    count = len(verification.damages)
    console.print(f"{looked_at}: {f'{count} damaged' if count else 'all as they were written'}")


def _runs_table(entries: Iterable[Entry]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("bits per byte", justify="right")
    for column in ("run", "status", "about"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        bits = "" if entry.bits_per_byte is None else f"{entry.bits_per_byte:.3f}"
        pruned = (", pruned", "yellow") if entry.pruned else ""
        table.add_row(
            Text(bits, "bold"), entry.name, _status(entry), Text.assemble(_crown(entry), visible(entry.about), pruned)
        )
    return table


def _artifacts_table(entries: Iterable[Entry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("stage", "key", "created", "size", "status", "what"):
        table.add_column(column, justify="right" if column == "size" else "left", overflow="fold")
    for entry in entries:
        created = entry.created.replace("T", " ").removesuffix("Z")
        told = Text.assemble(_crown(entry), visible(entry.headline))
        table.add_row(entry.stage, entry.name, created, format_bytes(entry.bytes), _status(entry), told)
    return table


def _status(entry: Entry) -> Text:
    return Text(entry.status, STATUS_STYLES.get(entry.status, ""))


def _crown(entry: Entry) -> str | tuple[str, str]:
    return ("the champion, ", "bold green") if entry.is_champion else ""


def _pairs(values: Mapping[str, object]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in flattened(values):
        if value not in (None, "", [], ()):
            words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            table.add_row(name, Text(visible(words)))
    return table


def _tree(title: str, lineage: Iterable[Lineage]) -> Tree:
    tree = Tree(Text(title, "bold"))
    _grow(tree, lineage)
    return tree


def _grow(tree: Tree, lineage: Iterable[Lineage]) -> None:
    for node in lineage:
        note = ("  not here any more", "yellow") if node.missing else ""
        _grow(tree.add(Text.assemble(f"{node.stage} ", (node.key, "cyan"), note)), node.next)


def _files_table(view: ArtifactView) -> Table:
    table = Table("file", "size", "SHA-256", box=None, pad_edge=False)
    for name, file in view.manifest.outputs.items():
        table.add_row(name, format_bytes(file.bytes), file.sha256[:16])
    return table


def _head_table(file: str, head: Head) -> RenderableType:
    if head.problem:
        return Text(f"{file} {head.problem}", "bold red")
    shown = head.first[:ROWS_SHOWN]
    table = Table(
        title=f"{file}, {head.rows:,} rows", title_justify="left", title_style="bold", pad_edge=False, box=None
    )
    for column in ("column", "type", *(f"row {number}" for number in range(len(shown)))):
        table.add_column(column, no_wrap=True, overflow="ellipsis", max_width=36)
    for name, kind in head.columns.items():
        values = (Text(" ".join(visible(str(row[name])).split())) for row in shown)
        table.add_row(name, Text(kind, "dim"), *values)
    return table
