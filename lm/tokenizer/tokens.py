"""Token shards: what training and evaluation read.

The tokens of a split are one stream: every document, in the order of the clean text, preceded by the boundary token.
The stream is cut into rows of ROW_TOKENS (the last one shorter), rows into row groups, row groups into the files
`<split>-00000.parquet`, …. Pages carry checksums, and each file the SHA-256 of the tokens it holds. Training reads
random windows from one plain file, which is derived from the shards and can be made again at any time.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from lm.errors import SlowburnError, TooNew
from lm.store.files import check_readable, replace_atomically
from lm.tokenizer.special_tokens import BOUNDARY_ID

SCHEMA_VERSION = 1
ROW_TOKENS = 4096
GROUP_TOKENS = 64 * ROW_TOKENS
SHARD_TOKENS = 256 * GROUP_TOKENS
HASH_BLOCK_BYTES = 1 << 20

Tokens = npt.NDArray[np.uint16 | np.uint32]
Dtype = np.dtype[np.uint16 | np.uint32]


def token_dtype(vocab_size: int) -> Dtype:
    """The narrowest type that holds every token id."""
    return np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)


def write_tokens(
    stream: Iterable[npt.NDArray[np.integer]],
    folder: Path,
    split: str,
    vocab_size: int,
    shard_tokens: int = SHARD_TOKENS,
) -> int:
    """Write a stream, given in pieces of any length, as the shards of a split; return how many tokens it has.

    `shard_tokens` is a multiple of GROUP_TOKENS. Equal streams give equal files, however they were cut into pieces.
    """
    dtype = token_dtype(vocab_size)
    groups = _regroup(stream, dtype)
    total = 0
    group = next(groups, np.empty(0, dtype))
    shard = 0
    while shard == 0 or group.size:
        writer = _ShardWriter(_shard_path(folder, split, shard), dtype, first_token=total)
        while group.size and writer.tokens < shard_tokens:
            writer.write(group)
            group = next(groups, np.empty(0, dtype))
        writer.close()
        total += writer.tokens
        shard += 1
    return total


def token_count(folder: Path, split: str) -> int:
    """How many tokens a split has, boundaries included."""
    return sum(shard.tokens for shard in _shards(folder, split))


def load_stream(folder: Path, split: str) -> Tokens:
    """Read the whole stream of a small split into memory: (n_tokens,)."""
    return np.concatenate(list(_groups(folder, split)))


def documents(folder: Path, split: str) -> Iterator[Tokens]:
    """Yield the tokens of each document, without its boundary, in the order of the clean text."""
    pending: list[Tokens] = []
    started = False
    for group in _groups(folder, split):
        *ends, last = np.split(group, np.flatnonzero(group == BOUNDARY_ID))
        for piece in ends:
            pending.append(piece)
            if started:
                yield np.concatenate(pending)[1:]
            pending, started = [], True
        pending.append(last)
    if started:
        yield np.concatenate(pending)[1:]


class TokenFile:
    """A stream of ids in a file: a slice is read when it is asked for, and nothing of it is kept.

    Pages of a memory map would count as this process's memory once they were read: at random, that is soon all of them.
    """

    def __init__(self, path: Path, dtype: Dtype) -> None:
        self.path, self.dtype = path, dtype
        self._length = path.stat().st_size // dtype.itemsize

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, where: slice) -> Tokens:
        """The ids of a slice without a step: (n,)."""
        start, end, _ = where.indices(len(self))
        offset = start * self.dtype.itemsize
        ids: Tokens = np.fromfile(self.path, self.dtype, max(end - start, 0), offset=offset)
        return ids


TokenSource = npt.NDArray[np.integer] | TokenFile  # (N,) ids, of which slices are taken


def token_file(folder: Path, split: str, cache: Path) -> TokenFile:
    """The stream of a split as the file `cache`, which is made from the shards, or again where it differs.

    Making it needs no more memory than a row group.
    """
    shards = _shards(folder, split)
    if not _is_current(cache, shards):
        with replace_atomically(cache) as temporary, temporary.open("wb") as out:
            for group in _groups(folder, split):
                out.write(group.data)
    return TokenFile(cache, shards[0].dtype)


class _Shard:
    """What the footer of a shard says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        check_readable(path)
        try:
            footer = pq.read_metadata(path).metadata or {}
            version = int(footer[b"schema_version"])
            self.dtype = np.dtype(footer[b"dtype"].decode())
            self.first_token, self.tokens = int(footer[b"first_token"]), int(footer[b"tokens"])
            self.sha256 = footer[b"tokens_sha256"].decode()
        except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
            raise _damaged(path, error) from error
        if version > SCHEMA_VERSION:
            raise TooNew(
                f"{path} has schema version {version}, this Slowburn knows up to {SCHEMA_VERSION}: update Slowburn"
            )

    def groups(self) -> Iterator[Tokens]:
        """Yield the tokens of each row group; raise SlowburnError unless they are those that were written."""
        digest = hashlib.sha256()
        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                for index in range(file.num_row_groups):
                    column = file.read_row_group(index, columns=["tokens"], use_threads=False).column("tokens")
                    tokens = _values(column.combine_chunks().flatten(), self.dtype)
                    digest.update(tokens.data)
                    yield tokens
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, error) from error
        if digest.hexdigest() != self.sha256:
            raise _damaged(self.path, "its tokens are not those that were written")


def shard_schema(dtype: Dtype, first_token: int) -> pa.Schema:
    """Schema of a shard whose first token is the stream's token number `first_token`."""
    element = pa.field("element", pa.from_numpy_dtype(dtype), nullable=False)
    return pa.schema(
        [pa.field("tokens", pa.list_(element), nullable=False)],
        metadata={
            "schema_version": str(SCHEMA_VERSION),
            "dtype": dtype.name,
            "boundary_id": str(BOUNDARY_ID),
            "first_token": str(first_token),
        },
    )


class _ShardWriter:
    """Writes one shard, row group by row group."""

    def __init__(self, path: Path, dtype: Dtype, first_token: int) -> None:
        self.tokens = 0
        self._digest = hashlib.sha256()
        self._schema = shard_schema(dtype, first_token)
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="lz4", write_page_checksum=True, write_statistics=False
        )

    def write(self, group: Tokens) -> None:
        self._digest.update(group.data)
        self.tokens += group.size
        offsets = np.append(np.arange(0, group.size, ROW_TOKENS, dtype=np.int32), np.int32(group.size))
        list_type = self._schema.field("tokens").type
        values = pa.Array.from_buffers(list_type.value_type, group.size, [None, pa.py_buffer(group)])
        rows = pa.Array.from_buffers(list_type, len(offsets) - 1, [None, pa.py_buffer(offsets)], children=[values])
        self._writer.write_table(pa.Table.from_arrays([rows], schema=self._schema))

    def close(self) -> None:
        self._writer.add_key_value_metadata({"tokens": str(self.tokens), "tokens_sha256": self._digest.hexdigest()})
        self._writer.close()


def _values(array: pa.Array, dtype: Dtype) -> Tokens:
    """What an Arrow array without nulls holds; its own way to numpy, and back, would import pandas (44 MiB)."""
    values: Tokens = np.frombuffer(array.buffers()[1], dtype)
    return values[array.offset : array.offset + len(array)]


def _regroup(stream: Iterable[npt.NDArray[np.integer]], dtype: Dtype) -> Iterator[Tokens]:
    """Cut a stream anew into groups of GROUP_TOKENS, the last one shorter."""
    group = np.empty(GROUP_TOKENS, dtype)
    filled = 0
    for piece in stream:
        while piece.size:
            taken = min(piece.size, GROUP_TOKENS - filled)
            group[filled : filled + taken] = piece[:taken]
            filled, piece = filled + taken, piece[taken:]
            if filled == GROUP_TOKENS:
                yield group
                group, filled = np.empty(GROUP_TOKENS, dtype), 0
    if filled:
        yield group[:filled]


def _shard_path(folder: Path, split: str, index: int) -> Path:
    return folder / f"{split}-{index:05d}.parquet"


def _shards(folder: Path, split: str) -> list[_Shard]:
    """All shards of a split, in order. Raises SlowburnError when there are none, or when one is missing."""
    shards = [_Shard(path) for path in sorted(folder.glob(f"{split}-*.parquet"))]
    if not shards:
        raise SlowburnError(f"{folder} holds no {split} tokens: delete it and run again to make it again")
    first_token = 0
    for index, shard in enumerate(shards):
        if shard.path != _shard_path(folder, split, index) or shard.first_token != first_token:
            raise _damaged(shard.path, "a shard before it is missing")
        first_token += shard.tokens
    return shards


def _groups(folder: Path, split: str) -> Iterator[Tokens]:
    for shard in _shards(folder, split):
        yield from shard.groups()


def _is_current(cache: Path, shards: list[_Shard]) -> bool:
    """Whether a cache file holds exactly the tokens of these shards."""
    expected = sum(shard.tokens * shard.dtype.itemsize for shard in shards)
    if not cache.is_file() or cache.stat().st_size != expected:
        return False
    with cache.open("rb") as stream:
        return all(_digest_of_next(stream, shard) == shard.sha256 for shard in shards)


def _digest_of_next(stream: BinaryIO, shard: _Shard) -> str:
    """Hash as many bytes of a cache file as a shard has."""
    digest = hashlib.sha256()
    remaining = shard.tokens * shard.dtype.itemsize
    while remaining and (block := stream.read(min(remaining, HASH_BLOCK_BYTES))):
        digest.update(block)
        remaining -= len(block)
    return digest.hexdigest()


def _damaged(path: Path, reason: object) -> SlowburnError:
    return SlowburnError(f"{path} is damaged ({reason}): delete {path.parent} and run again to make it again")
