"""The rows of many parts, one after the other: all documents of a corpus."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lm.clean.parts import Part
from lm.errors import Stopped
from lm.memory.malloc import MallocTrimmer

GROUPS_KEPT = 8  # row groups of several sources, a megabyte each: a corpus may go back and forth between packs


class Assembly:
    """The rows of parts, one after the other, a row group in memory at a time."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._stretches = list(_joined(parts))
        self._kept: dict[tuple[Path, int], pa.Table] = {}

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield all rows in order, in tables of these columns; the same columns or fewer in the same way any time.

        Raises Stopped where a pack is damaged (page checksums are verified) or gone: it is removed, to be made again.
        """
        self._kept.clear()
        freed = MallocTrimmer()
        for path, first, end in self._stretches:
            try:
                with pq.ParquetFile(path, page_checksum_verification=True) as file:
                    for table in self._rows(path, file, columns, first, end):
                        size = table.nbytes
                        yield table
                        del table  # before the next is read
                        freed.count(size)
            except MemoryError:
                raise
            except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
                path.unlink(missing_ok=True)
                raise Stopped(
                    f"clean: {path} was damaged or removed ({error}): run this again to clean its sources again"
                ) from error

    def _rows(
        self, path: Path, file: pq.ParquetFile, columns: Sequence[str], first: int, end: int
    ) -> Iterator[pa.Table]:
        start = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if start < end and start + rows > first:
                table = self._group(path, file, columns, group, shared=first > start or end < start + rows)
                begin = max(first - start, 0)
                table = table.slice(begin, min(end - start, rows) - begin)
                yield table
                del table
            start += rows

    def _group(self, path: Path, file: pq.ParquetFile, columns: Sequence[str], group: int, *, shared: bool) -> pa.Table:
        if kept := self._kept.get((path, group)):
            return kept
        table = file.read_row_group(group, columns=list(columns), use_threads=False)
        if shared:  # of several sources, so it is small, and the corpus may come back to it
            if len(self._kept) == GROUPS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[path, group] = table
        return table


def _joined(parts: Iterable[Part]) -> Iterator[tuple[Path, int, int]]:
    """Stretches of rows; neighbours in a pack are one."""
    path, first, end = None, 0, 0
    for part in parts:
        if part.path == path and part.first_row == end:
            end = part.end_row
            continue
        if path and end > first:
            yield path, first, end
        path, first, end = part.path, part.first_row, part.end_row
    if path and end > first:
        yield path, first, end
