"""files.md: every JSON and parquet file, from what writes them."""

from types import ModuleType
from typing import Any, NamedTuple

import pyarrow as pa

from docs.reference_builder.comments import comments_beside
from docs.reference_builder.json_schema import object_section, object_table, objects_in
from docs.reference_builder.markdown import code, description, page, table
from lm.champions.champion import ChampionRecord
from lm.clean import parts, rejects
from lm.compressors.stage import CompressorFigures
from lm.download.incoming import Pin
from lm.download.listings import Listing
from lm.download.refresh import Validators
from lm.evaluate.result import Evaluation
from lm.generate import samples
from lm.planning.machine import Machine
from lm.planning.plan import Plan
from lm.runs.pruned import PrunedRecord
from lm.runs.run_record import MemoryRow, RunRecord, memory_schema
from lm.stages import stage_named, stage_names
from lm.store.artifacts import Manifest
from lm.text import documents
from lm.text.raw_sources import RawSource
from lm.tokenizer import tokens
from lm.tokenizer_comparison.comparison import TokenizerContest
from lm.train import learning_curve
from lm.train.checkpoint import CheckpointRecord
from lm.train.metrics import Downshift
from lm.train.schedule import Schedule

INTRODUCTION = """All paths are below the root: the checkout, or `SLOWBURN_ROOT`. `<key>` is the hash of everything that
decides the content of an artifact. Which folder holds what: [data/](../../data/README.md),
[artifacts/](../../artifacts/README.md).

JSON is UTF-8. `schema_version` is the version of a file's schema; parquet files have it in the metadata of theirs. A
newer one than this Slowburn knows is refused. Records begin with a `checksum`: the SHA-256 of all bytes after its line.
Names that end in `bytes` or `seconds` say their unit. Losses are in nats
or bits, `ci95` is a 95 % interval.

Not ours: `model.safetensors`, `config.json`, `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` of
a model are those of Hugging Face transformers, `tokenizer.model` is sentencepiece's."""
VERSION_ROW = ("`schema_version`", "integer", "")


class JsonFile(NamedTuple):
    """A JSON file. `wrapped` are fields around the model, where the file holds more than one object of it."""

    name: str
    path: str
    model: type
    purpose: str
    wrapped: tuple[tuple[str, str, str], ...] = ()


class ParquetFile(NamedTuple):
    """A parquet file, and where its columns are commented."""

    name: str
    path: str
    schema: pa.Schema
    commented: type | ModuleType
    purpose: str


JSON_FILES = (
    JsonFile(
        "run.json",
        "artifacts/runs/<run id>/run.json",
        RunRecord,
        "One run. Written when it starts and after every change.",
    ),
    JsonFile(
        "manifest.json",
        "<artifact>/manifest.json",
        Manifest,
        "What an artifact was made from, by what, and what it holds.",
    ),
    JsonFile(
        "A plan",
        "artifacts/plans/<hash>.json",
        Plan,
        "Exact numbers for one request on one text. Its name is the hash of the request and the clean text's key.",
    ),
    JsonFile(
        "machine.json",
        "artifacts/plans/machine.json",
        Machine,
        "What was measured of this machine, until it or torch changes.",
        (
            ("measurement", "integer", "rises when other things are measured"),
            ("machine", "[Machine](#machine)", ""),
        ),
    ),
    JsonFile(
        "champion.json",
        "artifacts/champion.json",
        ChampionRecord,
        "The champion, and every decision about it. `champion.copy.json` beside it holds the same.",
    ),
    JsonFile("pruned.json", "artifacts/pruned.json", PrunedRecord, "What was removed to save disk, and when."),
    JsonFile(
        "A checkpoint",
        "artifacts/models/.<key>.partial/checkpoints/step-NNNNNNNN.json",
        CheckpointRecord,
        "A checkpoint. The tensors are in the `.safetensors` beside it. Its version is that of the model's key.",
    ),
    JsonFile(
        "downshifts.json",
        "artifacts/models/.<key>.partial/downshifts.json",
        Downshift,
        "Smaller micro-batches that memory has forced.",
        (("downshifts", "list of [Downshift](#downshift)", "the newest last"),),
    ),
    JsonFile(
        "schedule.json",
        "artifacts/models/.<key>.partial/schedule.json",
        Schedule,
        "The end of an unfinished training that keeps its minutes, where it was moved.",
    ),
    JsonFile(
        "compressors.json",
        "artifacts/compressors/<key>/compressors.json",
        CompressorFigures,
        "What the held-out text costs compressors of text.",
    ),
    JsonFile(
        "evaluation.json",
        "artifacts/evaluations/<key>/evaluation.json",
        Evaluation,
        "Everything that is measured of one model.",
    ),
    JsonFile(
        "comparison.json",
        "artifacts/tokenizers/<key>/comparison.json",
        TokenizerContest,
        "Kinds of tokenizers on one text.",
    ),
    JsonFile(
        "sources.json",
        "data/raw/<key>/sources.json",
        RawSource,
        "The files of a raw artifact.",
        (("sources", "list of [RawSource](#rawsource)", ""),),
    ),
    JsonFile(
        "pins.json",
        "data/raw/pins.json",
        Pin,
        "The content that each address had when it was first fetched.",
        (("pins", "object of [Pin](#pin)", "by address"),),
    ),
    JsonFile(
        "listings.json",
        "data/raw/listings.json",
        Listing,
        "What was found in each place, such as a bucket.",
        (("places", "object of [Listing](#listing)", "by address"),),
    ),
    JsonFile(
        "validators.json",
        "data/raw/validators.json",
        Validators,
        "What servers called the content that is pinned: to see whether it has changed.",
        (("sources", "object of [Validators](#validators)", "by address"),),
    ),
)
PARQUET_FILES = (
    ParquetFile(
        "documents.parquet",
        "data/clean/<key>/documents.parquet",
        documents.SCHEMA,
        documents,
        "The clean text, a row a document.",
    ),
    ParquetFile(
        "rejects.parquet", "data/clean/<key>/rejects.parquet", rejects.SCHEMA, rejects, "What was not kept, and why."
    ),
    ParquetFile(
        "Parts",
        "data/parts/<key>-<hash>.parquet",
        parts.SCHEMA,
        parts,
        "What cleaning made of sources, kept for next time.",
    ),
    ParquetFile(
        "Token shards",
        "data/tokens/<key>/<split>-<number>.parquet",
        tokens.shard_schema(tokens.token_dtype(1024), first_token=0),
        tokens,
        description(tokens),
    ),
    ParquetFile(
        "metrics.parquet",
        "artifacts/models/<key>/metrics.parquet",
        pa.schema(list(learning_curve.COLUMNS.items())),
        learning_curve,
        "The learning curve.",
    ),
    ParquetFile(
        "samples.parquet", "artifacts/samples/<key>/samples.parquet", samples.SCHEMA, samples, "What the model wrote."
    ),
    ParquetFile(
        "memory.parquet",
        "artifacts/runs/<run id>/memory.parquet",
        memory_schema(),
        MemoryRow,
        "The memory that a run took.",
    ),
)


def files_page() -> str:
    """The page."""
    parts = [INTRODUCTION, _overview(), "## JSON"]
    seen: set[type] = set()
    for file in JSON_FILES:
        parts += _json_file(file, seen)
    parts += ["## Metrics of manifests", "What each stage says of its artifact, in `metrics` of `manifest.json`."]
    for name in stage_names():
        parts += _objects(stage_named(name).metrics, seen)
    parts += ["## Parquet", *map(_parquet_file, PARQUET_FILES)]
    return page("Files", *parts)


def _overview() -> str:
    return table(("file", "what it holds"), ((code(file.path), _line(file.purpose)) for file in _all_files()))


def _all_files() -> list[JsonFile | ParquetFile]:
    return [*JSON_FILES, *PARQUET_FILES]


def _line(text: str) -> str:
    return text.partition("\n")[0]


def _json_file(file: JsonFile, seen: set[type]) -> list[str]:
    """Sections of a file: its own fields, then the objects that no file before had."""
    parts = [f"### {file.name}", code(file.path), file.purpose]
    if file.wrapped:
        rows = ((code(name), kind, meaning) for name, kind, meaning in file.wrapped)
        return [*parts, table(("field", "type", "meaning"), [VERSION_ROW, *rows]), *_objects(file.model, seen)]
    first, *inner = objects_in(file.model)
    seen.add(first)
    parts.append(object_table(first))
    for model in inner:
        parts += _objects(model, seen)
    return parts


def _objects(model: type, seen: set[type]) -> list[str]:
    new = [kind for kind in objects_in(model) if kind not in seen]
    seen.update(new)
    return [object_section(kind, "####") for kind in new]


def _parquet_file(file: ParquetFile) -> str:
    comments = comments_beside(file.commented)
    rows = ((code(field.name), code(_arrow_type(field.type)), comments.get(field.name, "")) for field in file.schema)
    heading = f"### {file.name}\n\n{code(file.path)}\n\n{file.purpose}\n"
    return f"{heading}\n{table(('column', 'type', 'meaning'), rows)}"


def _arrow_type(kind: Any) -> str:
    """An Arrow type; a list by what it holds."""
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)
