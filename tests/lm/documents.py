"""Documents written one by one, as tests make them up."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from lm.clean.document_writer import COLUMNS, Sided, WrittenDocuments
from lm.clean.document_writer import write_documents as write_tables
from lm.text.documents import Document


def sided(documents: Iterable[Document]) -> Sided:
    """The table that is written, and which documents are held out."""
    listed = list(documents)
    columns = {name: pa.array([getattr(document, name) for document in listed], pa.string()) for name in COLUMNS}
    return pa.table(columns), np.array([document.split == "heldout" for document in listed], np.bool_)


def write_documents(documents: Iterable[Document], out: Path) -> WrittenDocuments:
    """Write `documents.parquet` into a folder."""
    return write_tables([sided(documents)], out)
