"""Token shards: what was written is what is read, and damage is never silent."""

import itertools
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.errors import SlowburnError
from lm.memory.usage import resident_bytes
from lm.tokenizer import tokens
from lm.tokenizer.special_tokens import BOUNDARY_ID
from lm.tokenizer.tokens import GROUP_TOKENS, documents, load_stream, token_count, token_file, write_tokens

RANDOM = np.random.default_rng(0)


def stream_of(*texts: list[int]) -> np.ndarray:
    return np.array([token for text in texts for token in (BOUNDARY_ID, *text)], np.int64)


def pieces_of(stream: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    return np.split(stream, sorted(cuts))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def long_stream(count: int, vocab_size: int = 1024) -> np.ndarray:
    """Documents of about a thousand tokens each."""
    stream = RANDOM.integers(2, vocab_size, count)
    stream[::1009] = BOUNDARY_ID
    return stream


def written(folder: Path, count: int = 3 * GROUP_TOKENS // 2) -> np.ndarray:
    """Two row groups of tokens in one shard."""
    stream = long_stream(count)
    write_tokens([stream], folder, "train", 1024)
    return stream


@given(
    texts=st.lists(st.lists(st.integers(2, 70_000), max_size=40), min_size=1, max_size=30),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
@settings(max_examples=50, deadline=None)
def test_any_stream_comes_back(
    texts: list[list[int]], cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the documents, empty ones too, and however the stream arrives, it is read back whole and by document."""
    folder = tmp_path_factory.mktemp("tokens")
    stream = stream_of(*texts)
    assert write_tokens(pieces_of(stream, cuts), folder, "heldout", 70_001) == len(stream)
    assert token_count(folder, "heldout") == len(stream)
    assert load_stream(folder, "heldout").tolist() == stream.tolist()
    assert token_file(folder, "heldout", folder / "map")[:].tolist() == stream.tolist()
    assert [text.tolist() for text in documents(folder, "heldout")] == texts


def test_shards_and_row_groups_leave_no_seam(tmp_path: Path) -> None:
    """A stream that fills several shards and row groups reads as one, in every way there is to read it."""
    stream = long_stream(5 * GROUP_TOKENS + 12_345)
    assert write_tokens(np.array_split(stream, 77), tmp_path, "train", 1024, shard_tokens=2 * GROUP_TOKENS) == len(
        stream
    )
    assert names(tmp_path) == [f"train-{i:05d}.parquet" for i in range(3)]
    assert np.array_equal(load_stream(tmp_path, "train"), stream)
    assert np.array_equal(token_file(tmp_path, "train", tmp_path / "map")[:], stream)
    starts = np.flatnonzero(stream == BOUNDARY_ID).tolist()
    read = documents(tmp_path, "train")
    for (start, end), text in zip(itertools.pairwise([*starts, len(stream)]), read, strict=True):
        assert np.array_equal(text, stream[start + 1 : end])


def test_equal_streams_give_equal_files(tmp_path: Path) -> None:
    """The bytes on disk do not depend on how the stream was cut into pieces."""
    stream = long_stream(GROUP_TOKENS + 999)
    for name, parts in (("a", 1), ("b", 50)):
        (tmp_path / name).mkdir()
        write_tokens(np.array_split(stream, parts), tmp_path / name, "train", 1024)
    assert (tmp_path / "a/train-00000.parquet").read_bytes() == (tmp_path / "b/train-00000.parquet").read_bytes()


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_tokens_are_as_narrow_as_the_vocabulary_allows(vocab_size: int, dtype: str, tmp_path: Path) -> None:
    """Two bytes a token up to 65,536 pieces, four beyond, in the file and in memory."""
    write_tokens([stream_of([2, vocab_size - 1])], tmp_path, "train", vocab_size)
    assert load_stream(tmp_path, "train").dtype == token_file(tmp_path, "train", tmp_path / "map").dtype == dtype
    assert f"list<element: {dtype}" in str(pq.read_schema(tmp_path / "train-00000.parquet"))
    assert load_stream(tmp_path, "train").tolist() == [BOUNDARY_ID, 2, vocab_size - 1]


def test_no_flipped_bit_is_silent(tmp_path: Path) -> None:
    """A shard with one bit flipped anywhere is either read exactly or refused by name: never other tokens."""
    stream = written(tmp_path)
    shard = tmp_path / "train-00000.parquet"
    content = shard.read_bytes()
    chance = random.Random(0)
    for trial in range(80):
        size = len(content)
        position = chance.randrange(size) if trial % 2 else chance.randrange(size - 2000, size)
        shard.write_bytes(
            content[:position] + bytes([content[position] ^ 1 << chance.randrange(8)]) + content[position + 1 :]
        )
        try:
            read = load_stream(tmp_path, "train")
        except SlowburnError as error:
            assert "train-00000.parquet" in str(error)
        else:
            assert np.array_equal(read, stream)


def test_truncated_missing_and_newer_shards_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends with one line that names the file, before any token is used."""
    stream = long_stream(3 * GROUP_TOKENS)
    write_tokens([stream], tmp_path, "train", 1024, shard_tokens=GROUP_TOKENS)
    with pytest.raises(SlowburnError, match="holds no heldout tokens"):
        load_stream(tmp_path, "heldout")

    middle = tmp_path / "train-00001.parquet"
    content = middle.read_bytes()
    for damaged in (content[: len(content) // 2], b"", content[:-1]):
        middle.write_bytes(damaged)
        with pytest.raises(SlowburnError, match=r"train-00001\.parquet is damaged"):
            token_count(tmp_path, "train")
    middle.unlink()
    with pytest.raises(SlowburnError, match="a shard before it is missing"):
        token_count(tmp_path, "train")

    monkeypatch.setattr(tokens, "SCHEMA_VERSION", 2)
    write_tokens([stream], tmp_path, "heldout", 1024)
    monkeypatch.undo()
    with pytest.raises(SlowburnError, match=r"heldout-00000\.parquet has schema version 2.*update Slowburn"):
        load_stream(tmp_path, "heldout")


def test_reading_at_random_holds_nothing(tmp_path: Path) -> None:
    """Windows from all over a large stream leave no more memory behind than from a small one."""
    path = tmp_path / "stream"
    np.zeros(64 * 2**20, np.uint16).tofile(path)
    stream, chance = tokens.TokenFile(path, np.dtype(np.uint16)), random.Random(0)
    assert len(stream) == 64 * 2**20
    before = resident_bytes()
    for _ in range(2000):
        start = chance.randrange(len(stream) - 129)
        assert stream[start : start + 129].shape == (129,)
    assert resident_bytes() - before < 16 * 2**20


def test_a_stale_or_damaged_file_is_made_again(tmp_path: Path) -> None:
    """A map that another corpus left, or that lost a bit or its end, is replaced; a good one is used as it is."""
    stream = written(tmp_path)
    cache = tmp_path / "map"
    token_file(tmp_path, "train", cache)
    content, made = cache.read_bytes(), cache.stat().st_ino
    token_file(tmp_path, "train", cache)
    assert cache.stat().st_ino == made

    flipped = bytearray(content)
    flipped[-3] ^= 4
    for bad in (bytes(flipped), content[:-2], b"", content[2:] + b"\0\0", content + content):
        cache.write_bytes(bad)
        assert np.array_equal(token_file(tmp_path, "train", cache)[:], stream)
    assert names(tmp_path) == ["map", "train-00000.parquet"]


def test_a_map_of_damaged_shards_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the shards cannot be read there is no map, and no half of one."""
    written(tmp_path)
    shard = tmp_path / "train-00000.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(SlowburnError, match="damaged"):
        token_file(tmp_path, "train", tmp_path / "map")
    assert names(tmp_path) == ["train-00000.parquet"]
