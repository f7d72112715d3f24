"""Parquet tables, a few rows at a time."""

from collections.abc import Iterator
from typing import Any

from lm.clean.readers.columns import LICENCE_COLUMNS, SAMPLE_CHARACTERS, SAMPLE_ROWS, TITLE_COLUMNS, value_text
from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.json_lines import chosen_columns, passage_of

BATCH_ROWS = 64
NO_TEXT_TYPES = ("int", "uint", "float", "double", "halffloat", "bool", "date", "time", "duration", "decimal", "binary",
                 "large_binary", "fixed_size_binary", "null")  # fmt: skip


def read_parquet(file: InputFile) -> Iterator[Passage]:
    """Read a document from each row. Raises Unreadable where no column holds text, or the file is damaged."""
    import pyarrow as pa  # deferred, as in every reader of parquet: it weighs 100 MiB
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file.path) as table:
            file.total = table.metadata.num_rows
            fields = {field.name: str(field.type) for field in table.schema_arrow}
            names = [name for name, kind in fields.items() if not kind.startswith(NO_TEXT_TYPES)]
            sample = _sample(table, names)
            if not sample:
                raise Unreadable("a table without rows" if names else "a table without a column of text")
            columns = chosen_columns(sample, file)
            columns = columns._replace(others=tuple(name for name in fields if name not in columns.text))
            file.left_out = columns.left_out()
            del sample
            wanted = {name.partition(".")[0] for name in columns.text}
            wanted.update(name for name in (*TITLE_COLUMNS, *LICENCE_COLUMNS) if name in names)
            number = 0
            for batch in table.iter_batches(BATCH_ROWS, columns=[name for name in names if name in wanted]):
                for row in batch.to_pylist():
                    number += 1
                    yield passage_of(row, number, columns, file.settings.text_columns, {})
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable("a damaged parquet file") from error


def _sample(table: Any, names: list[str]) -> list[Any]:
    rows, characters = list[Any](), 0
    for batch in table.iter_batches(BATCH_ROWS, columns=names) if names else ():
        for row in batch.to_pylist():
            rows.append(row)
            characters += sum(len(value_text(value) or "") for value in row.values())
        if len(rows) >= SAMPLE_ROWS or characters > SAMPLE_CHARACTERS:
            break
    return rows
