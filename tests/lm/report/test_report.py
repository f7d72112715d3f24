"""The report and the closing lines of a run: true, readable by anyone, and safe whatever the texts say."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from lm.memory.budget import Budget
from lm.report import page
from lm.report.charts import spread
from lm.report.report import render_report
from lm.report.run_facts import gather_facts
from lm.report.run_pictures import pictures_png
from lm.report.summary import closing_lines
from lm.runs.run_record import (
    MemoryRow,
    RunRecord,
    StageRecord,
    TrainRecord,
    UnfinishedStage,
    open_run,
    save_run,
    write_memory,
)
from lm.stages import position, stage_names
from lm.store.artifacts import Store
from lm.store.files import write_json
from lm.text.plain_text import opening, visible
from tests.builders import metrics_of

MIB = 2**20
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>{{ 7*7 }}\x1b[31m\u202e</pre>"
EVALUATION = {
    "schema_version": 1,
    "bits_per_byte": 1.75,
    "ci95": [1.70, 1.80],
    "perplexity_per_token": 20.1,
    "bytes": 90_000,
    "tokens": 36_000,
    "baselines": {
        "unigram": {"bits_per_byte": 4.40, "model_minus_this_ci95": [-2.7, -2.6]},
        "5-gram": {"bits_per_byte": 2.20, "model_minus_this_ci95": [-0.5, -0.4]},
        "xz": {"bits_per_byte": 2.00, "model_minus_this_ci95": [-0.3, -0.2]},
    },
    "verdict": "beats the 5-gram by 0.450 bits per byte",
    "degeneracy": {"verdict": "healthy", "score": 0.04, "human": {"score": 0.02}},
}


def curve(steps: int) -> pd.DataFrame:
    step = pd.Series(range(1, steps + 1))
    return pd.DataFrame(
        {
            "step": step,
            "seconds": step * 0.5,
            "loss": 3 + 4 / step,
            "heldout_loss": (3.1 + 4 / step).where(step % 20 == 0),
            "learning_rate": 0.02,
            "tokens_per_second": 9000.0,
            "memory_bytes": 600 * MIB,
        }
    )


def make_artifact(
    store: Store, stage: str, metrics: dict[str, Any], text: str, evaluation: dict[str, Any]
) -> StageRecord:
    key = f"{position(stage) + 1:016x}"
    inputs = {"train": {"tokenize": f"{3:016x}"}}.get(stage, {})
    with store.writing(stage, key) as out:
        if stage == "train":
            curve(100).to_parquet(out / "metrics.parquet")
        if stage == "evaluate":
            write_json(out / "evaluation.json", evaluation)
        if stage == "generate":
            rows = [{"prompt": "Once upon", "text": text, "seed": 1, "temperature": 0.8, "top_p": 0.9, "tokens": 40}]
            pd.DataFrame(rows).assign(verdict="healthy", nearest_source=text, nearest_text=text).to_parquet(
                out / "samples.parquet"
            )
        artifact = store.commit(
            stage,
            key,
            config={},
            inputs=inputs,
            metrics=metrics,
            seconds=60,
            peak_memory_bytes=600 * MIB,
            versions={"python": "3.11"},
            numerics={"threads": 2} if stage == "train" else {},
        )
    fields: dict[str, Any] = {
        "key": key,
        "path": artifact.path.relative_to(store.root).as_posix(),
        "status": "computed",
    }
    fields |= {"reason": "not made yet", "seconds": 60.0, "peak_memory_bytes": 600 * MIB}
    if stage == "train":
        return TrainRecord(**fields, steps=100, resumed_from_step=40, weights_sha256="ab" * 32)
    return StageRecord(**fields)


def make_run(
    root: Path,
    *,
    until: str = "generate",
    text: str = " a time there was a fox.",
    evaluation: dict[str, Any] | None = None,
) -> tuple[Store, RunRecord]:
    """A run as the pipeline leaves it, complete up to a stage."""
    store = Store(root)
    run = RunRecord(
        run_id="a-run",
        status="completed",
        command="python -m flows.pipeline --minutes 1",
        corpus=["fairy-tales"],
        config={"minutes": 1.0, "memory": None, "train": {"layers": 4}},
        budget=Budget(bytes=900 * MIB, source="flag"),
        started="2026-11-20T10:00:00Z",
        seconds=99.0,
        peak_memory_bytes=600 * MIB,
    )
    metrics: dict[str, dict[str, Any]] = {
        "clean": {"train_bytes": 900_000, "heldout_bytes": 90_000, "notes": ["two documents were empty"]},
        "tokenize": {"train_bytes_per_token": 2.5, "heldout_bytes_per_token": 2.5},
        "train": {"parameters": 5_200_000, "steps": 100, "trained_tokens": 400_000, "passes_over_the_data": 1.1},
    }
    rows = []
    for number, stage in enumerate(stage_names()[: position(until) + 1]):
        run.stages[stage] = make_artifact(
            store, stage, metrics_of(stage, **metrics.get(stage, {})), text, evaluation or EVALUATION
        )
        rows += [
            MemoryRow(stage, number * 10.0 + second, second * 60 * MIB, 90 * MIB, 5000 * MIB, run.budget.bytes)
            for second in range(1, 11)
        ]
    run.memory = write_memory(store, run.run_id, rows)
    save_run(store, run)
    return store, run


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the text of each."""

    VOID = ("meta", "link", "br", "img", "path", "rect", "use")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(name)) is not None]


def test_how_files_were_read_is_shown(tmp_path: Path) -> None:
    """A reader sees what each file was taken for, and how its documents begin; the terminal says it in a line."""
    store, run = make_run(tmp_path / "made", until="download")
    readings = [
        {"name": f"{n}.csv", "kind": "table", "sentence": f"{n}.csv: table, column body, 9 rows"} for n in (1, 2)
    ]
    openings = [{"source": "1.csv", "title": "1.csv 1", "opening": "It began at sea."}]
    clean = metrics_of("clean", train_bytes=900_000, heldout_bytes=90_000, readings=readings, openings=openings)
    run.stages["clean"] = make_artifact(store, "clean", clean, "", EVALUATION)
    words = " ".join(Page(render_report(store, run).read_text()).text.split())
    assert "1.csv: table, column body, 9 rows 2.csv: table, column body, 9 rows" in words
    assert "It began at sea. 1.csv 1, from 1.csv" in words
    said = "\n".join(closing_lines(store, run))
    assert "read       1.csv: table, column body, 9 rows; and 1 more: see the report" in said
    assert "begins     It began at sea." in said


def test_complete_run_is_told_from_headline_to_details(tmp_path: Path) -> None:
    """A reader finds model, time, quality beside baselines, curves, every sample, plan, stages and what to do next."""
    store, run = make_run(tmp_path)
    page = Page(render_report(store, run).read_text())
    words = " ".join(page.text.split())
    assert "A model of 5.2 million parameters, trained on fairy-tales for 1 minute" in words
    assert "needs 1.75 bits per byte. The best of the other methods, xz, needs 2.00" in words
    assert "Once upon a time there was a fox." in words
    assert "continued from step 40" in words and "two documents were empty" in words and "train.layers" in words
    assert "slowburn run --like a-run --minutes 4" in words
    for stage in stage_names():
        assert run.stages[stage].path in words
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert len(pictures) == 4 and all(picture["role"] == "img" for picture in pictures)
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    labels = {name for value in page.attributes("aria-labelledby") for name in value.split()}
    targets = {value.removeprefix("#") for value in page.attributes("href") if value.startswith("#")}
    assert labels | targets <= set(ids)


def test_page_asks_the_network_for_nothing(tmp_path: Path) -> None:
    """A report can be read on a train: it refers to nothing but itself."""
    store, run = make_run(tmp_path, text="see http://example.com/a.png and url(http://example.com)")
    html = render_report(store, run).read_text()
    page = Page(html)
    for attribute in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
        assert all(value.startswith(("#", "data:")) for value in page.attributes(attribute))
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL) + page.attributes("style")
    assert not re.search(r"@import|url\((?!#)", " ".join(styles))


def test_same_run_gives_the_same_page(tmp_path: Path) -> None:
    """The same record and artifacts give the same bytes."""
    store, run = make_run(tmp_path)
    first = render_report(store, run).read_bytes()
    assert render_report(store, run).read_bytes() == first
    assert [path.name for path in (tmp_path / "artifacts/runs/a-run").iterdir() if path.name.startswith(".")] == []


def test_reused_run_says_so(tmp_path: Path) -> None:
    """A run that found everything done says so, and still shows the model."""
    store, run = make_run(tmp_path)
    for name, stage in run.stages.items():
        run.stages[name] = stage.model_copy(update={"status": "reused", "seconds": 0.0, "peak_memory_bytes": None})
    run.memory, run.peak_memory_bytes, run.seconds = write_memory(store, run.run_id, []), None, 0.8
    page = Page(render_report(store, run).read_text())
    assert "Nothing had to be computed" in page.text
    assert len([tag for tag, _ in page.elements if tag == "svg"]) == 2  # the learning curve, wide and narrow
    first, *rest = closing_lines(store, run)
    assert first.startswith("Nothing to do: all 7 stages were done before") and "report.html" in rest[-1]


def test_training_of_an_earlier_run_is_not_taken_for_this_runs(tmp_path: Path) -> None:
    """A run that goes on with a training says so, where more training than time of its own would puzzle."""
    store, run = make_run(tmp_path)
    run.seconds, run.stages["train"].seconds = 40.0, 25.0
    told = "1 min of training, a part of it in an earlier run, 40 s for this run"
    assert told in " ".join(" ".join(closing_lines(store, run)).split())
    assert "a part of it in an earlier run" in render_report(store, run).read_text(encoding="utf-8")


def test_stopped_run_tells_why_and_how_to_go_on(tmp_path: Path) -> None:
    """A run that memory stopped shows the reason first, the curve of its unfinished training, and the way on."""
    store, run = make_run(tmp_path, until="tokenize")
    run.status, run.reason = "stopped", "out of memory, stage train: run again with --memory 2GiB"
    run.unfinished = UnfinishedStage(
        stage="train", key="f" * 16, progress="step 60 of 100", peak_memory_bytes=900 * MIB
    )
    checkpoints = store.partial("train", "f" * 16) / "checkpoints"
    checkpoints.mkdir(parents=True)
    rows = curve(60).astype(object).where(curve(60).notna(), None).to_dict("records")
    write_json(checkpoints / "step-00000060.json", {"step": 60, "facts": {"metrics": {"rows": rows}}})
    html = render_report(store, run).read_text()
    page = Page(html)
    assert html.index(run.reason) < html.index("<main")
    assert "A run on fairy-tales that stopped while training" in page.text and "step 60 of 100" in page.text
    assert "Training loss fell from" in page.text and run.command in page.text
    lines = closing_lines(store, run)
    assert run.reason in " ".join(lines) and "download, clean, tokenize" in " ".join(lines)


def test_run_that_never_started_a_stage_has_a_report_too(tmp_path: Path) -> None:
    """A request that was refused at once is reported as that."""
    store, run = make_run(tmp_path, until="download")
    run.stages, run.memory, run.status, run.reason = {}, None, "failed", "train: needs about 1 GiB"
    run.peak_memory_bytes, run.command, run.error = None, "", "CannotFit"
    page = Page(render_report(store, run).read_text())
    assert "slowburn run --like a-run --memory SIZE" in page.text
    assert page.text.count("not reached") == len(stage_names()) - 1
    assert "A run on fairy-tales that failed" in page.text and "needs about 1 GiB" in page.text
    assert closing_lines(store, run)[0] == "The run failed: train: needs about 1 GiB"


def test_model_that_loses_is_called_so(tmp_path: Path) -> None:
    """A model that a simple method beats is not praised, and one that is level is not either."""
    losing = EVALUATION | {"bits_per_byte": 2.5, "ci95": None}
    losing["baselines"] = {"xz": {"bits_per_byte": 2.0, "model_minus_this_ci95": [0.4, 0.6]}}
    store, run = make_run(tmp_path / "losing", evaluation=losing)
    assert "That is worse than xz (2.00)" in render_report(store, run).read_text()
    assert "does not beat xz" in " ".join(" ".join(closing_lines(store, run)).split())
    level = losing | {"baselines": {"xz": {"bits_per_byte": 2.52, "model_minus_this_ci95": [-0.1, 0.06]}}}
    store, run = make_run(tmp_path / "level", evaluation=level)
    assert "chance may explain the difference" in render_report(store, run).read_text()


def test_overconfident_model_is_called_so(tmp_path: Path) -> None:
    """Where confidence exceeds accuracy the page says by how much; what was not measured yet has no place on it."""
    bins = [{"confidence": 0.9, "accuracy": 0.6, "tokens": 300}, {"confidence": 0.3, "accuracy": 0.3, "tokens": 100}]
    measured = EVALUATION | {"calibration": {"expected_calibration_error": 0.225, "bins": bins}}
    store, run = make_run(tmp_path / "now", evaluation=measured)
    page = render_report(store, run).read_text(encoding="utf-8")
    assert "too sure of itself, by 22.5 percentage points" in page and "90% sure, 60% right" in page
    store, run = make_run(tmp_path / "before", evaluation=EVALUATION)
    assert "Where it makes mistakes" not in render_report(store, run).read_text(encoding="utf-8")


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    """Whatever a corpus, a prompt, a model or an error says, it is shown and never obeyed."""
    store, run = make_run(tmp_path, text=HOSTILE)
    run.corpus, run.reason, run.command, run.status = [HOSTILE], HOSTILE, HOSTILE, "failed"
    run.config["train"] = {HOSTILE: HOSTILE}
    html = render_report(store, run).read_text()
    page = Page(html)
    assert not [tag for tag, _ in page.elements if tag in ("script", "img", "iframe", "object")]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "<script>document.title='owned'</script>" in page.text and "{{ 7*7 }}" in page.text
    assert "\x1b" not in html and "\u202e" not in html
    assert not any(re.search("[\x00-\x1f\x7f-\x9f\u202e]", line) for line in closing_lines(store, run))
    run.status = "completed"
    assert not any(re.search("[\x00-\x1f\x7f-\x9f\u202e]", line) for line in closing_lines(store, run))


def test_closing_lines_fit_a_terminal(tmp_path: Path) -> None:
    """The last lines name text, time, memory, quality, a sample and the report, within 80 columns but for the path."""
    store, run = make_run(tmp_path, text="x" * 500 + "\n\n" + "many words " * 80)
    *lines, last = closing_lines(store, run)
    assert max(map(len, lines)) <= 80 and len(lines) <= 20
    assert [line.split()[0] for line in lines if re.match(r"  \w", line)] == [
        "text",
        "time",
        "memory",
        "quality",
        "sample",
    ]
    assert "600 MiB at most, of a budget of 900 MiB" in " ".join(lines)
    assert Path(last.split(maxsplit=1)[1]).name == "report.html"


def test_record_survives_as_it_was(tmp_path: Path) -> None:
    """What was written of a run is what is read, the training's own fields included."""
    store, run = make_run(tmp_path)
    assert open_run(save_run(store, run)) == run
    assert isinstance(run.stages["train"], TrainRecord)


def test_pictures_exist_as_png_too(tmp_path: Path) -> None:
    """Where no page can be shown, the learning curve and the memory can."""
    store, run = make_run(tmp_path)
    pictures = pictures_png(store, gather_facts(store, run))
    assert set(pictures) == {"learning-curve", "memory"}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())


def test_every_text_colour_can_be_read() -> None:
    """By day and by night text stands out from the paper with a contrast of at least 4.5 (WCAG 2.2, AA)."""
    css = (Path(page.__file__).parent / page.STYLE).read_text()
    palettes = [
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\n *\}", css, re.DOTALL)
    ]
    assert len(palettes) == 2
    for palette in palettes:
        for role in ("ink", "muted", "model", "unseen", "other", "limit", "good"):
            for ground in ("paper", "band"):
                assert contrast(palette[role], palette[ground]) >= 4.5, (role, ground, palette[role])


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@given(st.text())
def test_visible_text_holds_no_orders(text: str) -> None:
    """No control character passes, and nothing else is changed."""
    shown = visible(text)
    assert len(shown) == len(text) and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_opening_is_short_and_true(text: str, characters: int) -> None:
    """A cut text is no longer than asked for, but for the ellipsis, and begins as the whole does."""
    cut = opening(text, characters)
    assert len(cut) <= characters + 2 and text.startswith(cut.removesuffix(" …"))


@given(st.lists(st.floats(min_value=0, max_value=300), max_size=8))
def test_labels_never_overlap(places: list[float]) -> None:
    """Labels beside curves keep their distance and their order."""
    spaced = [place for _, place in sorted(zip(places, spread(places, 16.0), strict=True), key=lambda pair: pair[1])]
    assert all(above - below >= 16 - 1e-6 for below, above in pairwise(spaced))


def test_memory_series_is_the_same_for_the_same_rows(tmp_path: Path) -> None:
    """The memory series carries its schema version, and the same rows give the same bytes."""
    rows = [MemoryRow("clean", 0.5, 1, 2, 3, 4)]
    store = Store(tmp_path)
    path = tmp_path / (write_memory(store, "r", rows) or "not written")
    first = path.read_bytes()
    write_memory(store, "r", rows)
    assert path.read_bytes() == first
    assert pq.read_schema(path).metadata[b"schema_version"] == b"1"
