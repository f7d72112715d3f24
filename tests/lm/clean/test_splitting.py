"""The split: the share that is held out, whatever the corpus, and what stays on the training side as it grows."""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.clean.config import CleanConfig
from lm.clean.splitting import (
    Integers,
    Texts,
    split_by_document,
    split_contiguously,
    split_whole,
    unit_positions,
)
from lm.clean.stage import clean
from lm.progress import silent
from lm.text.documents import read_documents
from tests.conftest import WORDS
from tests.lm.clean.test_clean import raw_artifact

UNCAPPED = 2**60
fractions = st.floats(0.02, 0.5)
seeds = st.integers(0, 2**32 - 1)
counts = st.one_of(st.integers(1, 60), st.integers(61, 10_000))
exponents = st.floats(0.0, 2.0)


def zipf_texts(seed: int, count: int, exponent: float) -> Texts:
    """Texts none of which resembles another, the largest of 10 to 1,000 kB, in any order."""
    generator = np.random.default_rng(seed)
    sizes = 1 + (generator.integers(10_000, 1_000_000) / np.arange(1, count + 1) ** exponent).astype(np.int64)
    sizes = np.maximum(generator.permutation(sizes), 20_000 // count)
    positions = generator.integers(0, 2**64, count, np.uint64, endpoint=False)
    return new_texts(sizes, np.arange(count), positions)


def new_texts(sizes: Integers, units: Integers, positions: np.ndarray[Any, Any]) -> Texts:
    """Texts of one byte a character, of which nothing trained."""
    return Texts(sizes, sizes, units, positions, np.zeros(len(sizes), np.int64), np.zeros(len(sizes), np.bool_))


def heldout_share(texts: Texts, heads: Integers) -> float:
    return float(1 - heads.sum() / texts.bytes.sum())


@settings(deadline=None, max_examples=300)
@given(seeds, counts, exponents, fractions)
def test_the_share_is_within_a_third_of_what_was_asked_for(
    seed: int, count: int, exponent: float, fraction: float
) -> None:
    """Whatever the number of texts and their sizes; few are cut, and of these the last part is held out."""
    texts = zipf_texts(seed, count, exponent)
    heads = split_by_document(texts, fraction, UNCAPPED)
    assert 2 / 3 < heldout_share(texts, heads) / fraction < 4 / 3
    cut = (heads > 0) & (heads < texts.characters)
    assert cut.sum() <= 2 / fraction
    assert (heads[cut] > (1 - fraction) * texts.characters[cut] - 1).all()
    if count == 1:
        assert heads[0] == pytest.approx((1 - fraction) * texts.characters[0], abs=1)


@settings(deadline=None, max_examples=100)
@given(seeds, counts, exponents, fractions)
def test_the_order_of_texts_changes_nothing(seed: int, count: int, exponent: float, fraction: float) -> None:
    """The same texts in another order are split in the same places."""
    texts = zipf_texts(seed, count, exponent)
    order = np.random.default_rng(seed).permutation(count)
    shuffled = Texts._make(column[order] for column in texts)
    for most in (UNCAPPED, 5_000):
        assert (split_by_document(texts, fraction, most)[order] == split_by_document(shuffled, fraction, most)).all()


@settings(deadline=None, max_examples=100)
@given(
    seeds, st.lists(st.tuples(counts, exponents), min_size=2, max_size=5), fractions, st.sampled_from([5_000, UNCAPPED])
)
def test_what_trained_is_never_held_out_as_a_corpus_grows(
    seed: int, steps: list[tuple[int, float]], fraction: float, most_bytes: int
) -> None:
    """Texts are added and others grow, again and again: the training part of each only grows, and the share is kept or
    falls short for want of new text, never exceeded.
    """
    generator = np.random.default_rng(seed)
    texts = zipf_texts(seed, *steps[0])
    for number, (count, exponent) in enumerate(steps):
        heads = split_by_document(texts, fraction, most_bytes)
        assert (heads >= texts.trained).all()
        heldout = int((texts.characters - heads).sum())
        assert heldout <= min(most_bytes, 4 / 3 * fraction * texts.bytes.sum()) + 1
        grown = texts.bytes + np.where(generator.random(len(heads)) < 0.2, generator.integers(1, 50_000, len(heads)), 0)
        before = texts._replace(
            bytes=grown, characters=grown, trained=heads, was_cut=(heads > 0) & (heads < texts.characters)
        )
        added = zipf_texts(seed + number + 1, count, exponent)
        added = added._replace(units=added.units + len(grown))
        texts = Texts(*(np.concatenate(columns) for columns in zip(before, added, strict=True)))


@settings(deadline=None, max_examples=100)
@given(seeds, st.integers(2, 19), st.data())
def test_few_texts_of_like_size_and_one_that_grows_need_no_record(seed: int, count: int, data: st.DataObject) -> None:
    """Without knowing what trained before: while all are long, neither added texts nor growing ones move a cut back."""
    sizes = np.random.default_rng(seed).integers(90_000, 100_000, count)
    positions = np.random.default_rng(seed).integers(0, 2**64, count, np.uint64, endpoint=False)
    fewer = data.draw(st.integers(1, count))
    before = split_by_document(new_texts(sizes[:fewer], np.arange(fewer), positions[:fewer]), 0.09, UNCAPPED)
    sizes[: data.draw(st.integers(0, fewer))] += data.draw(st.integers(1, 5_000))
    after = split_by_document(new_texts(sizes, np.arange(count), positions), 0.09, UNCAPPED)
    assert (after[:fewer] >= before).all()


@settings(deadline=None, max_examples=50)
@given(seeds, st.integers(2_000, 4_000), st.integers(2_000, 4_000), st.sampled_from([20_000, UNCAPPED]))
def test_many_small_texts_need_no_record(seed: int, count: int, added: int, most_bytes: int) -> None:
    """Where the position of each decides, or a cap, added texts move others to training only."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(500, 1_500, count + added)
    positions = generator.integers(0, 2**64, count + added, np.uint64, endpoint=False)
    before = split_by_document(new_texts(sizes[:count], np.arange(count), positions[:count]), 0.1, most_bytes)
    after = split_by_document(new_texts(sizes, np.arange(count + added), positions), 0.1, most_bytes)
    assert (after[:count] >= before).all()
    assert sizes[before.nonzero()[0]].sum() > 0
    assert int((sizes - after).sum()) <= most_bytes


@settings(deadline=None, max_examples=100)
@given(seeds, st.integers(2, 300), st.integers(1, 100), exponents, fractions)
def test_what_resembles_each_other_is_on_one_side_or_cut_alike(
    seed: int, count: int, clusters: int, exponent: float, fraction: float
) -> None:
    """A unit goes to one side, unless it holds a long text: then the same share of each of its texts trains."""
    texts = zipf_texts(seed, count, exponent)
    units = np.random.default_rng(seed).integers(0, clusters, count)
    texts = texts._replace(units=np.unique(units, return_inverse=True)[1], positions=texts.positions[units % count])
    heads = split_by_document(texts, fraction, UNCAPPED)
    for unit in np.unique(texts.units):
        here = texts.units == unit
        shares = heads[here] / texts.characters[here]
        assert np.ptp(shares) <= (1 / texts.characters[here].min() if 0 < shares.max() < 1 or shares.min() > 0 else 0)
    whole = split_whole(texts, fraction, UNCAPPED) if len(np.unique(texts.units)) > 1 else heads
    for unit in np.unique(texts.units) if whole is not heads else ():
        assert len(np.unique(whole[texts.units == unit] > 0)) == 1


@settings(deadline=None)
@given(seeds, st.integers(2, 200), exponents, fractions)
def test_a_split_of_whole_documents_has_text_on_either_side(
    seed: int, count: int, exponent: float, fraction: float
) -> None:
    """All or nothing of each trains, as near to the share as they allow."""
    texts = zipf_texts(seed, count, exponent)
    heads = split_whole(texts, fraction, UNCAPPED)
    assert 0 < heads.sum() < texts.bytes.sum()
    assert ((heads == 0) | (heads == texts.characters)).all()


@settings(deadline=None)
@given(seeds, counts, exponents, fractions)
def test_a_contiguous_split_loses_and_repeats_nothing(seed: int, count: int, exponent: float, fraction: float) -> None:
    """The first characters train, and all that comes after them is held out."""
    texts = zipf_texts(seed, count, exponent)
    heads = split_contiguously(texts, fraction, UNCAPPED)
    assert int(heads.sum()) == int((1 - fraction) * int(texts.characters.sum()))
    partly = np.flatnonzero(heads < texts.characters)
    assert (heads[: partly[0]] == texts.characters[: partly[0]]).all()
    assert (heads[partly[0] + 1 :] == 0).all()


def test_clusters_are_held_out_no_more_often_than_documents() -> None:
    """The share that is held out is the one asked for, however many documents resemble each other."""
    ids = np.random.default_rng(1).integers(0, 2**63, 30_000).astype(np.uint64)
    labels = (np.arange(30_000, dtype=np.uint32) // 10) * 10
    assert (unit_positions(ids, labels, 0) < np.uint64(0.1 * 2**64)).mean() == pytest.approx(0.1, abs=0.02)


def prose(seed: int, size: int) -> str:
    """About so many bytes of text like no other's."""
    generator = random.Random(seed)
    words = [f"{word}{generator.randrange(1000)}" for word in WORDS]
    text, written = list[str](), 0
    while written < size:
        line = " ".join(generator.choices(words, k=9)) + ".\n"
        text.append(line)
        written += len(line)
    return "".join(text)


def split_of(folder: Path, texts: dict[str, str], earlier: list[Path] | None = None, **config: Any) -> dict[str, Any]:
    """Clean files; return the metrics, and the text of each file on either side."""
    folder.mkdir()
    raw, out = raw_artifact(folder / "raw", {name: text.encode() for name, text in texts.items()}), folder / "clean"
    out.mkdir()
    metrics = clean(raw, CleanConfig(**config), out, silent, earlier=earlier or [])
    sides: dict[str, dict[str, str]] = {side: defaultdict(str) for side in ("train", "heldout")}
    for document in read_documents(out):
        sides[document.split][document.source] += document.text
    return {**metrics.model_dump(), **sides, "out": out, "share": metrics.heldout_bytes / sum(map(len, texts.values()))}


CORPORA = {
    "two files of equal size": [100_000, 100_000],
    "a chat export beside a small file": [300_000, 15_000],
    "seven books of unequal length": [310_000, 50_000, 120_000, 80_000, 200_000, 90_000, 150_000],
    "a book beside two small files": [450_000, 4_000, 2_000],
    "forty notes": [5_000 + 100 * number for number in range(40)],
}


@pytest.mark.parametrize("sizes", CORPORA.values(), ids=CORPORA)
def test_the_corpora_people_have_are_split_as_asked(tmp_path: Path, sizes: list[int]) -> None:
    """A tenth of the text is held out, of the large files too, and the notes say of what."""
    files = {f"{number}.txt": prose(number, size) for number, size in enumerate(sizes)}
    split = split_of(tmp_path / "corpus", files)
    assert 0.067 < split["share"] < 0.133
    for name, text in files.items():
        assert split["train"][name] + split["heldout"][name] == text
    assert (split["cut_documents"] > 0) == (max(sizes) > 0.05 * sum(sizes))
    assert any("of the text is held out: " in note for note in split["notes"])


def test_long_files_are_cut_whatever_parts_they_are_read_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is read in parts is one document: its end is held out, not the end of each part."""
    monkeypatch.setattr("lm.clean.readers.plain_text.PART_CHARACTERS", 20_000)
    files = {"book.txt": prose(1, 100_000), "other.txt": prose(2, 60_000)}
    split = split_of(tmp_path / "corpus", files)
    for name, text in files.items():
        assert split["train"][name] == text[: len(split["train"][name])]
        assert len(split["heldout"][name]) == pytest.approx(0.1 * len(text), abs=2)
    assert split["cut_documents"] == 2


def test_versions_of_a_book_are_cut_at_the_same_place(tmp_path: Path) -> None:
    """The held-out end of one version does not train as the end of the other."""
    book = prose(1, 60_000)
    split = split_of(
        tmp_path / "corpus", {"one.txt": book, "two.txt": book.replace("of", "off", 3), "c.txt": prose(2, 60_000)}
    )
    assert split["contamination"]["share"] < 0.01
    assert len(split["heldout"]["one.txt"]) == pytest.approx(len(split["heldout"]["two.txt"]), abs=2)


GROWTHS = {
    "text is added at the end": lambda text: text + prose(99, 30_000),
    "text is added at the beginning": lambda text: prose(98, 30_000) + text,
    "a word is changed in the middle, and text added": lambda text: (
        text[: len(text) // 2] + "CHANGED" + text[len(text) // 2 :] + prose(97, 20_000)
    ),
    "nothing is changed": lambda text: text,
}


@pytest.mark.parametrize("grow", GROWTHS.values(), ids=GROWTHS)
@pytest.mark.parametrize("sizes", [[60_000], [60_000, 40_000, 3_000], [6_000] * 30], ids=["one", "three", "many"])
def test_a_line_that_trained_is_not_held_out_when_a_file_changes(tmp_path: Path, sizes: list[int], grow: Any) -> None:
    """All files change in some way and others are added: what trained trains again, and some text is held out."""
    files = {f"{number}.txt": prose(number, size) for number, size in enumerate(sizes)}
    first = split_of(tmp_path / "first", files)
    more = {f"more-{number}.txt": prose(50 + number, size) for number, size in enumerate((50_000, 8_000))}
    second = split_of(tmp_path / "second", {name: grow(text) for name, text in files.items()} | more, [first["out"]])
    trained = {line for text in first["train"].values() for line in text.splitlines()[:-1]}
    heldout = {line for text in second["heldout"].values() for line in text.splitlines()[1:]}
    assert not trained & heldout
    assert second["heldout_bytes"] > 500
    third = split_of(tmp_path / "third", files | more, [first["out"], second["out"]])
    trained |= {line for text in second["train"].values() for line in text.splitlines()[:-1]}
    assert not trained & {line for text in third["heldout"].values() for line in text.splitlines()[1:]}


def test_a_share_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    """Where nearly all text trained before, less is held out than was asked for, and the notes say why."""
    files = {f"{number}.txt": prose(number, 4_000) for number in range(30)}
    first = split_of(tmp_path / "first", files)
    kept = {name: text for name, text in files.items() if first["train"][name]}
    second = split_of(tmp_path / "second", kept | {"new.txt": prose(77, 4_000)}, [first["out"]])
    assert 0 < second["share"] < 0.067
    assert any("10% was asked for, but what trained before is never held out" in note for note in second["notes"])
