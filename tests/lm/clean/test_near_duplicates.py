"""Near-duplicates, overlap across the split and quality filters, on corpora in which they were planted."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from lm.clean.config import CleanConfig
from lm.clean.contamination import contamination, sampled_contamination, sampled_runs
from lm.clean.metrics import CleanMetrics
from lm.clean.near_duplicates import RUN_WORDS, Sketches, band_keys
from lm.clean.stage import clean
from lm.errors import BadInput
from lm.progress import silent
from lm.text.documents import read_documents, read_texts
from lm.text.shingles import hash_words, runs

WORDS = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz", k=2 + n % 7)) for n in range(2000)]


def prose(seed: int, words: int = 400) -> str:
    """A text like no other."""
    chosen = random.Random(f"prose {seed}").choices(WORDS, k=words)
    return ".\n".join(" ".join(chosen[place : place + 10]).capitalize() for place in range(0, words, 10)) + ".\n"


def with_changes(text: str, share: float, seed: int) -> str:
    """The text with some words replaced, and a last word of its own."""
    generator = random.Random(f"change {seed}")
    words = (f"new{generator.random():.6f}" if generator.random() < share else word for word in text.split(" "))
    return f"{' '.join(words)} own{seed}"


def cleaned(tmp_path: Path, rows: list[dict[str, str]], **settings: Any) -> tuple[Path, CleanMetrics]:
    """Clean rows of text, each a document."""
    raw, out = tmp_path / "raw", tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    raw.mkdir(exist_ok=True)
    out.mkdir()
    sources = []
    for name in sorted({row.get("file", "a.jsonl") for row in rows}):
        content = "".join(json.dumps(row) + "\n" for row in rows if row.get("file", "a.jsonl") == name)
        (raw / name).write_text(content)
        facts: dict[str, Any] = dict.fromkeys(("name", "title", "address", "path"), name)
        sources.append(
            facts | {"licence": "", "sha256": "", "bytes": len(content), "format": "jsonl", "separator": None}
        )
    (raw / "sources.json").write_text(json.dumps({"schema_version": 1, "sources": sources}))
    return out, clean(raw, CleanConfig(**settings), out, silent)


def planted(documents: int = 120) -> list[dict[str, str]]:
    """Documents of which every third has two versions of it with a few words changed."""
    rows = [{"id": f"{n}", "text": prose(n)} for n in range(documents)]
    for n in range(0, documents, 3):
        rows += [{"id": f"{n}", "text": with_changes(prose(n), 0.004, 1000 * n + copy)} for copy in range(2)]
    random.Random(5).shuffle(rows)
    return rows


def test_versions_of_a_text_are_on_one_side(tmp_path: Path) -> None:
    """Near-duplicates never face each other across the split, whatever the seed; without that care they do."""
    rows = planted()
    for seed in (0, 1):
        out, metrics = cleaned(tmp_path, rows, heldout_fraction=0.3, seed=seed)
        sides: dict[str, set[str]] = {}
        for document in read_documents(out):
            sides.setdefault(document.title, set()).add(document.split)
        assert all(len(side) == 1 for side in sides.values())
        assert (metrics.near_duplicate_clusters, metrics.near_duplicate_documents) == (40, 80)
        assert metrics.contamination.share == 0
    _, careless = cleaned(tmp_path, rows, heldout_fraction=0.3, near_duplicates="ignore")
    assert careless.contamination.share > 0.3


def test_of_versions_one_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    """What is dropped is counted, and stands in the rejects with the reason and the beginning of its text."""
    out, metrics = cleaned(tmp_path, planted(), near_duplicates="drop")
    assert metrics.dropped_near_duplicates == 80
    assert metrics.train_documents + metrics.heldout_documents == 120
    rejects = pq.read_table(out / "rejects.parquet").to_pylist()
    assert {(reject["reason"], bool(reject["opening"])) for reject in rejects} == {("nearly repeats another", True)}
    assert len(rejects) == metrics.rejected["nearly repeats another"] == 80


def test_similar_texts_are_found_and_others_are_not(tmp_path: Path) -> None:
    """Of 300 pairs that share nine in ten runs of words nearly all are found, of unlike ones hardly any."""
    (tmp_path / "bands").mkdir()
    sketches = Sketches(tmp_path / "bands")
    texts = [prose(n).encode() for n in range(300)]
    similar = [with_changes(text.decode(), 0.005, n).encode() for n, text in enumerate(texts)]
    for batch in (texts[:7], texts[7:], similar):
        words = hash_words(batch)
        sketches.add(band_keys(words, runs(words, RUN_WORDS), np.arange(len(batch), dtype=np.uint64)))
    labels = sketches.clusters(np.ones(600, np.bool_))
    assert labels[:300].tolist() == list(range(300))
    assert np.count_nonzero(labels[300:] == np.arange(300)) >= 290


def test_layout_and_case_make_no_new_text() -> None:
    """Words are words however they are set: case, quotes, dashes and line ends do not count."""
    one = hash_words(["“Go,” she said — don\u2019t LOOK back.".encode()])
    other = hash_words([b"go she said\r\ndon't   look 'back'"])
    assert one.hashes.tolist() == other.hashes.tolist()
    assert len(hash_words(["吾輩は猫である".encode()]).hashes) == 7


def test_the_words_of_a_text_do_not_depend_on_what_is_beside_it() -> None:
    """Hashes of a text are the same in any batch, and those of a long one are those of its words."""
    long = " ".join(WORDS[n * 7 % 2000] for n in range(40_000)).encode()
    alone, among = hash_words([long]), hash_words([b"x y", long, b"z"])
    assert among.counts.tolist() == [2, 40_000, 1]
    assert among.hashes[2:-1].tolist() == alone.hashes.tolist()
    assert len(set(alone.hashes.tolist())) == len(set(long.split()))


def test_overlap_is_the_share_of_repeated_runs() -> None:
    """None across unlike texts; as much as was copied where some was; everything where all was."""
    text, other = prose(1, 4000).encode(), prose(2, 4000).encode()
    assert contamination([text], [other]).found == 0
    assert contamination([text], [text]).share == 1.0
    half = b" ".join(other.split()[:2000])
    assert contamination([text, half], [other]).share == pytest.approx(0.5, abs=0.01)
    assert contamination([text], [b"too short"]).runs == 0


@pytest.mark.parametrize("settings", [{}, {"split": "contiguous"}, {"split": "contiguous", "near_duplicates": "drop"}])
def test_in_a_large_text_a_sample_of_runs_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    """What was kept of each document tells what the written text would, and about what all of its runs do."""
    rows = planted(600) + [{"text": prose(n) + prose(3 * n) * 20} for n in range(1000, 1040)]
    settings = {"near_duplicates": "ignore", "heldout_fraction": 0.4} | settings
    _, exact = cleaned(tmp_path, rows, **settings)
    monkeypatch.setattr("lm.clean.split_writing.EXACT_BYTES", 0)
    out, metrics = cleaned(tmp_path, rows, **settings)
    training = (sampled_runs(hash_words([text])).hashes for text in read_texts(out, "train"))
    written = sampled_contamination(training, read_texts(out, "heldout"))
    found = metrics.contamination
    assert found.model_dump() == written._asdict() | {"share": round(written.share, 6)}
    assert 0.5 < found.runs / (exact.contamination.runs / 64) < 2
    assert found.share == pytest.approx(exact.contamination.share, abs=0.1)


VERSE = "O give thanks unto the LORD; for he is good: for his mercy endureth for ever.\n"
KEPT = {
    "a play": "HAMLET.\nTo be, or not to be: that is the question.\n\nOPHELIA.\nGood my lord!\n\n" * 3 + prose(1),
    "a psalm with a refrain": "".join(
        f"{n}. {prose(n, 10).strip()} for his mercy endureth for ever.\n" for n in range(26)
    ),
    "source code": 'def f(x):\n    """Return x."""\n    return {"a": [x ** 2, (x - 1)]}\n\n\n' * 2 + "x = [1, 2]\n",
    "a list of things to do": "- [ ] milk\n- [x] bread\n\n## Tomorrow\n\n* call J. (!!)\n",
    "one word": "Yes.",
    "a table": "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
}
DROPPED = {
    "mostly symbols": "=-" * 500 + " a",
    "too few words": "---\n***\n---",
    "repeats itself": VERSE * 2000,
}


def test_the_defaults_hurt_no_text_that_someone_wrote(tmp_path: Path) -> None:
    """Plays, verse, code, notes and tables pass; only what nobody would miss is dropped, with its reason."""
    rows = [{"id": name, "text": text} for name, text in (KEPT | DROPPED).items()]
    out, metrics = cleaned(tmp_path, rows + [{"id": f"{n}", "text": prose(n)} for n in range(30)])
    titles = {document.title for document in read_documents(out)}
    assert set(KEPT) <= titles
    assert not titles & set(DROPPED)
    assert metrics.rejected == dict.fromkeys(sorted(DROPPED), 1)
    told = " ".join(metrics.notes)
    assert all(reason in told for reason in DROPPED)


def test_every_filter_can_be_switched(tmp_path: Path) -> None:
    """Off, nothing is dropped; with the thresholds for the web, short documents and other languages are."""
    rows = [{"id": name, "text": text} for name, text in DROPPED.items()]
    rows += [{"id": f"{n}", "text": prose(n)} for n in range(30)]
    off, _ = cleaned(tmp_path, rows, minimum_words=0, maximum_symbols=1.0, maximum_repeated=1.0)
    assert len({document.document_id for document in read_documents(off)}) == len(rows)
    english = "It was late in the evening, and the rain had not stopped since the morning of that day. "
    german = "Es war schon spät am Abend, und der Regen hatte noch nicht aufgehört an diesem Tag. "
    rows = [{"id": f"{n}", "text": f"{n}. {english * 5}"} for n in range(30)] + [{"id": "short", "text": "A line."}]
    rows.append({"id": "German", "text": german * 5})
    _, web = cleaned(tmp_path, rows, minimum_words=50, languages=("en",), near_duplicates="ignore")
    assert web.rejected == {"another language": 1, "too few words": 1}
    assert web.reject_samples["another language"][0].value == "de"


def test_a_split_by_source_keeps_files_whole(tmp_path: Path) -> None:
    """All documents of a file are on one side, and other files do not change where one is."""
    rows = [{"file": f"{n % 10}.jsonl", "id": f"{n}", "text": prose(n)} for n in range(60)]
    out, metrics = cleaned(tmp_path, rows, split="source", heldout_fraction=0.3)
    sides = {(document.source, document.split) for document in read_documents(out)}
    assert len(sides) == 10
    assert {split for _, split in sides} == {"train", "heldout"}
    assert metrics.split == "source"
    with pytest.raises(BadInput, match="a split by source needs two"):
        cleaned(tmp_path / "raw", rows[:1], split="source")
