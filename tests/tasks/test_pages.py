"""What Prefect's pages say of a run: its figures, in words that a newcomer knows, and nothing that acts."""

import re

import pytest

from lm.champions.champion import Decision
from lm.champions.contest import Contest, Standing
from lm.report.run_facts import RunFacts, gather_facts, read_samples
from lm.runs.explain import SHOWN_KEY
from lm.runs.run_record import UnfinishedStage, run_folder
from lm.stages import stage_names
from lm.store.artifacts import Store
from lm.store.files import write_json
from lm.text.raw_sources import SOURCES_FILE
from tasks.pages import champion_page, lineage_page, run_page, samples_page, stage_rows
from tasks.stage_pages import MAX_ROWS, stage_page
from tests.lm.report.test_report import HOSTILE, make_run

ACTS = re.compile(r"(?<!\\)[<*\[`](?!-)")  # what begins a tag, stress, a link or code, and is not escaped
FIGURES = {
    "download": ("| tale 0", "12 kB", "abababababab…", "PSF-2.0", "and 20 more: see sources.json"),
    "clean": (
        "| to train on | 90 | 1,800,000 | 900,000 |",
        "| held out | 10 | 200,000 | 90,000 |",
        "near-duplicates",
        "two documents were empty",
    ),
    "tokenize": ("| tokens in the vocabulary | 1,024 |", "| kind | bpe |", "| bytes per token |", "| 2.5 |"),
    "train": ("5.2 million", "| steps | 100 |", "| passes over the text | 1.1 |", "abababababab…"),
    "evaluate": (
        "| **the model** | 1.750 |",
        "| xz | 2.000 | a file compressor",
        "95 % interval is 1.70",
    ),
    "generate": ("| tokens per second | 900.0 |", "| longest copied passage, in characters | 21 |", "healthy"),
}


def plain(page: str) -> str:
    """A page with its escapes taken away."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", page)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, RunFacts]:
    """A finished run whose texts are hostile."""
    store, record = make_run(tmp_path_factory.mktemp("pages"), text=HOSTILE)
    source = {
        "name": "tale", "title": "A tale", "address": "embedded:tales", "licence": "PSF-2.0", "path": "tale.txt",
        "sha256": "ab" * 32, "bytes": 12_345, "format": "text", "separator": None,
    }  # fmt: skip
    sources = [source | {"name": f"tale {number}"} for number in range(MAX_ROWS + 20)]
    write_json(store.root / record.stages["download"].path / SOURCES_FILE, {"schema_version": 1, "sources": sources})
    return store, gather_facts(store, record)


@pytest.mark.parametrize("stage", FIGURES)
def test_a_stage_s_page_has_its_figures_and_where_they_come_from(made: tuple[Store, RunFacts], stage: str) -> None:
    """What came of it first, then the time, the memory and the folder."""
    _, run = made
    page = plain(stage_page(run.artifacts[stage], run.run.stages[stage], run))
    for figure in FIGURES[stage]:
        assert figure in page
    assert f"It is in the folder {run.run.stages[stage].path}" in page
    assert "This time computed: not made yet." in page
    assert "It took 1 min to make, and 600 MiB of memory at most." in page


def test_every_stage_has_a_row_and_so_has_the_one_that_was_not_finished(made: tuple[Store, RunFacts]) -> None:
    """Also where the run stopped, with how far it came."""
    record = made[1].run.model_copy(deep=True)
    record.status = "stopped"
    del record.stages["generate"]
    record.unfinished = UnfinishedStage(stage="generate", progress="sample 1 of 2 | <b>", seconds=3.0)
    *done, last = stage_rows(record)
    assert [row["stage"] for row in done] == list(stage_names())[:-1]
    assert done[3]["peak memory"] == "600 MiB"
    assert (last["status"], plain(last["why"]), last["took"]) == ("unfinished", "sample 1 of 2 | <b>", "3.0 s")
    assert not ACTS.search(last["why"])


def test_a_run_s_page_tells_the_result_and_where_the_report_is(made: tuple[Store, RunFacts]) -> None:
    """A page of a server cannot link to a file: the address is there to be copied."""
    store, run = made
    report = run_folder(store, run.run.run_id) / "report.html"
    page = plain(run_page(run, report))
    assert "the model needs 1.75 bits per byte" in page
    assert "| Peak memory | 600 MiB (of 900 MiB allowed) |" in page
    assert f"    {report.as_uri()}\n" in page


def test_the_lineage_names_every_artifact_both_ways(made: tuple[Store, RunFacts]) -> None:
    """What it was made from, what was made from it, by which run."""
    store, run = made
    page = plain(lineage_page(run.run, store))
    (train,) = (line for line in page.splitlines() if line.startswith("- [train]"))
    assert train == f"- [train](/artifacts/key/train) {run.run.stages['train'].key[:SHOWN_KEY]}, by run a-run"
    assert f"    - from [tokenize](/artifacts/key/tokenize) {run.run.stages['tokenize'].key[:SHOWN_KEY]}" in page
    assert f"    - into [train](/artifacts/key/train) {run.run.stages['train'].key[:SHOWN_KEY]}" in page
    assert "`slowburn inspect KEY`" in page


def test_what_a_model_wrote_is_text_and_nothing_else(made: tuple[Store, RunFacts]) -> None:
    """Neither tags nor stress nor links of it reach the page; the words that were given stand out."""
    page = samples_page(read_samples(made[1]))
    assert "**Once upon** …" in page
    assert "\N{SYMBOL FOR ESCAPE}" in page or "\x1b" not in page
    assert not ACTS.search(page.replace("**Once upon**", ""))
    assert "temperature 0.8, top-p 0.9, seed 1" in plain(page)


def test_a_decision_is_shown_with_its_numbers() -> None:
    """Challenger, champion and earlier champions on the same text, with their ages."""
    old, fresh, new = (Standing(model=f"m{n}", bits_per_byte=2.2 - n / 10, age_days=3.0 - n) for n in range(3))
    contest = Contest(
        text="t", unit="document", units=40, seen_units=0, bytes=9000, champion=fresh, challenger=new,
        difference=-0.1, ci95=(-0.12, -0.08), elders=(old,),
    )  # fmt: skip
    decision = Decision(
        decided="2026-11-20T10:00:00Z", action="promoted", champion="m2", previous="m1", run_id="nightly",
        reason="the challenger is better", contest=contest,
    )  # fmt: skip
    page = plain(champion_page(decision, "Too early to say.", "![curve](data:image/png;base64,AA)"))
    assert "promoted: the challenger is better" in page
    assert [row for row in page.splitlines() if re.search(r"\| m\d", row)] == [
        "| champion | m2 |",
        "| before | m1 |",
        "| challenger | m2 | 2.0000 | 1.0 |",
        "| champion | m1 | 2.1000 | 2.0 |",
        "| earlier champion | m0 | 2.2000 | 3.0 |",
    ]
    assert "Too early to say." in page
    assert "![curve](data:image/png;base64,AA)" in page
