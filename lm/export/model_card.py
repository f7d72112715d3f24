"""The card that goes with a model that leaves home: what it is, what it was made from, what it is not for."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lm.clean.metrics import CleanMetrics
from lm.errors import SlowburnError
from lm.evaluate.metrics import EvaluateMetrics
from lm.export.packed import Packed
from lm.formatting import format_bytes, format_count, format_text_size, listing, spoken_duration
from lm.model.config import ModelConfig
from lm.report.run_facts import Sample, read_sample_rows
from lm.runs.lineage import origins
from lm.store.artifacts import Artifact, Store
from lm.text.licences import NOT_STATED
from lm.text.plain_text import close_gaps, opening, visible
from lm.text.raw_sources import RawSource, read_sources
from lm.tokenize.metrics import TokenizeMetrics
from lm.train.metrics import TrainMetrics

if TYPE_CHECKING:
    from lm.export.measured_loss import MeasuredLoss

TEMPLATE = "model_card.md.jinja"
CARD_FILE = "README.md"
MAX_SOURCES, MAX_SAMPLES, SAMPLE_CHARACTERS = 12, 3, 600
SHOWN_ADDRESSES = ("http://", "https://", "embedded:")  # a path on somebody's machine is nobody's business


class FileLoss(NamedTuple):
    """One of several files of the same model: its size, how it stores weights, and what that costs."""

    name: str
    bytes: int
    weights: str
    loss: "MeasuredLoss | None"  # None: the held-out text is not here


@dataclass(frozen=True)
class Origins:
    """The artifacts that tell of a model: those it was made from, and the newest made from it; None where pruned."""

    model: Artifact
    download: Artifact | None
    clean: Artifact | None
    tokenize: Artifact | None
    evaluation: Artifact | None
    samples: Artifact | None

    @property
    def context(self) -> int:
        """Tokens that the model reads at once."""
        return ModelConfig.model_validate(
            {name: self.model.manifest.config.get(name) for name in ModelConfig.model_fields}
        ).context

    @property
    def sources(self) -> list[RawSource]:
        """What the corpus consists of."""
        return read_sources(self.download.path) if self.download else []

    @property
    def corpus(self) -> str:
        """The corpora by name."""
        names = dict.fromkeys(_corpus_of(source) for source in self.sources)
        return listing(names) or "a text that is not here any more"

    @property
    def licence(self) -> str:
        """The licences of the text."""
        return ", ".join(self.licences_of(self.sources)) or NOT_STATED

    def licences_of(self, sources: Iterable[RawSource]) -> list[str]:
        """The licences of some sources: what their documents say, else what was stated of each."""
        counted = self.clean.read_metrics(CleanMetrics).licences if self.clean else {}
        found = dict[str, None]()
        for source in sources:
            found |= dict.fromkeys(counted.get(_corpus_of(source)) or [source.licence])
        return list(found)


class Measured(NamedTuple):
    """What the model is worth on the held-out text."""

    size: str
    rows: list[tuple[str, str]]  # name and bits per byte of the model and of the baselines
    verdict: str
    perplexity: str
    degeneracy: str


def origins_of(store: Store, model: Artifact) -> Origins:
    """Look up what a model was made from and what was made from it."""
    found = origins(store, model)
    return Origins(
        model,
        found.get("download"),
        found.get("clean"),
        found.get("tokenize"),
        _newest_of(store, "evaluate", model.key),
        _newest_of(store, "generate", model.key),
    )


def model_card(
    about: Origins,
    export_format: str,
    names: Mapping[str, str],
    limits: Sequence[str],
    packed: Packed | None = None,
    files: Sequence[FileLoss] = (),
) -> str:
    """The card in Markdown.

    names: `name`, `slug`, `folder` and `file` of the export; limits: what a user must know besides; packed: where
    several models are one, of which `about` tells the first; files: where there are several to choose from, what each
    costs.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    sources = [_source(files, about.licences_of(files)) for files in _by_corpus(about.sources)]
    return environment.get_template(TEMPLATE).render(
        format=export_format,
        key=about.model.key,
        parameters=format_count(about.model.read_metrics(TrainMetrics).parameters),
        packed=packed,
        packed_parameters=format_count(packed.parameters) if packed else "",
        time=spoken_duration(about.model.manifest.seconds),
        corpus=_cell(about.corpus),
        context=about.context,
        context_characters=_context_characters(about),
        limits=list(limits),
        files=[_file(file) for file in files],
        measured_text=next((file.loss.size for file in files if file.loss), ""),
        data_text=_data_text(about),
        sources=sources[:MAX_SOURCES],
        sources_left_out=len(sources[MAX_SOURCES:]),
        evaluation=_evaluation(about.evaluation, packed),
        samples=[] if packed else [_fenced(sample) for sample in _samples(about)],
        provenance=list(_provenance(about)),
        **names,
    )


def _file(file: FileLoss) -> dict[str, str]:
    """A row of the table of files."""
    own, stored = (file.loss.own, file.loss.stored[file.weights]) if file.loss else (0.0, 0.0)
    return {
        "name": file.name,
        "weights": file.weights,
        "size": format_bytes(file.bytes),
        "bits": f"{stored:.4f}" if file.loss else "not measured",
        "more": f"{stored - own:+.4f}" if file.loss else "",
    }


def _newest_of(store: Store, stage: str, model_key: str) -> Artifact | None:
    try:
        made = [artifact for artifact in store.list(stage) if artifact.manifest.inputs.get("train") == model_key]
    except SlowburnError:
        return None
    return made[-1] if made else None


def _context_characters(about: Origins) -> str | None:
    """About how much text the model reads at once, in bytes of it: of English as many characters."""
    per_token = about.tokenize.read_metrics(TokenizeMetrics).train_bytes_per_token if about.tokenize else None
    return f"{round(per_token * about.context, -1):,.0f}" if per_token else None


def _data_text(about: Origins) -> str:
    if about.clean is None:
        return "The text is not on the machine any more that exported this model."
    text = about.clean.read_metrics(CleanMetrics)
    size, kept = format_text_size(text.train_bytes), format_text_size(text.heldout_bytes)
    passes = about.model.read_metrics(TrainMetrics).passes_over_the_data
    read = f", read {passes:.1f} times over" if passes else ""
    return f"{size} of clean text{read}; another {kept} were held out to measure with."


def _by_corpus(sources: Iterable[RawSource]) -> list[list[RawSource]]:
    """The files of each corpus together: the part of a source's name before its first slash names it."""
    corpora: dict[str, list[RawSource]] = {}
    for source in sources:
        corpora.setdefault(_corpus_of(source), []).append(source)
    return list(corpora.values())


def _corpus_of(source: RawSource) -> str:
    return source.name.partition("/")[0]


def _source(files: Sequence[RawSource], licences: Iterable[str]) -> dict[str, str]:
    """A row of the table of sources."""
    first, address = files[0], files[0].address
    return {
        "title": _cell(first.title if len(files) == 1 else f"{_corpus_of(first)}, {len(files)} files"),
        "licence": _cell(", ".join(licences)),
        "size": format_text_size(sum(file.bytes for file in files)),
        "address": _cell(address) if address.startswith(SHOWN_ADDRESSES) else "local files",
    }


def _evaluation(evaluation: Artifact | None, packed: Packed | None) -> Measured | None:
    if evaluation is None:
        return None
    metrics = evaluation.read_metrics(EvaluateMetrics)
    baselines = sorted(metrics.baselines.items(), key=lambda item: item[1])
    ends = metrics.ci95
    name = "the first of them alone" if packed else "**this model**"
    first = [("**this model**", f"**{packed.bits_per_byte:.3f}**")] if packed else []
    bold = "" if packed else "**"
    between = f" (95 % interval {ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
    own = f"{bold}{metrics.bits_per_byte:.3f}{bold}{between}"
    return Measured(
        size=format_text_size(metrics.bytes),
        rows=[*first, (name, own), *((name, f"{value:.3f}") for name, value in baselines)],
        verdict=metrics.verdict,
        perplexity=f"{metrics.perplexity_per_token:.1f}",
        degeneracy=metrics.degeneracy,
    )


def _samples(about: Origins) -> list[Sample]:
    return read_sample_rows(about.samples)[:MAX_SAMPLES] if about.samples else []


def _fenced(sample: Sample) -> str:
    """A sample as a code block whose fence nothing in it can close."""
    given = f"{sample.prompt}│" if sample.prompt else ""
    text = visible(opening(close_gaps(given + sample.text), SAMPLE_CHARACTERS))
    fence = "~" * max([3, *(len(run) + 1 for run in re.findall("~{3,}", text))])
    return f"{fence}\n{text}\n{fence}"


def _provenance(about: Origins) -> Iterator[tuple[str, str]]:
    manifest = about.model.manifest
    yield "model", f"`{manifest.key}`, made {manifest.created}"
    yield "weights (SHA-256)", f"`{about.model.read_metrics(TrainMetrics).weights_sha256}`"
    if about.clean:
        yield "text", f"`{about.clean.key}`"
    yield "training", ", ".join(f"{name} {value}" for name, value in manifest.config.items() if value is not None)
    if manifest.peak_memory_bytes:
        yield "peak memory of training", format_bytes(manifest.peak_memory_bytes)
    yield "made with", ", ".join(f"{name.replace('_', ' ')} {version}" for name, version in manifest.versions.items())


def _cell(text: str) -> str:
    """Text from outside, fit for a cell of a Markdown table."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(visible(text).split()))
