"""How much text a request names, found without downloading, cleaning or reading it whole."""

import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from lm.clean.config import CleanConfig
from lm.clean.metrics import CleanMetrics
from lm.config import StageConfig
from lm.download import corpora
from lm.download.corpora import Source
from lm.download.stage import document_bytes, key_of, resolve
from lm.errors import BadInput
from lm.planning.corpus_preview import CorpusPreview, FilesLook, Preview, TextSize, chosen_files, preview_of, previewed
from lm.planning.training_text import ENGLISH, TrainingText, bytes_per_token
from lm.run_config import RunConfig
from lm.runs.earlier_text import inputs_of_cleaning
from lm.stages import stage_key
from lm.store.artifacts import Artifact, Store
from lm.text.addresses import shown
from lm.text.file_kind import HEAD_BYTES, file_kind
from lm.text.raw_sources import RawSource, read_sources

# Bytes of what has no file yet. Books that are issued anew now and then, and what an interpreter ships, vary a little.
CATALOGUE_BYTES = {
    "python-docs": 2_410_000,
    "tiny-shakespeare": 1_115_394,
    "king-james-bible": 4_400_000,
    "tinystories/train": 2_200_000_000,
    "tinystories/valid": 22_500_000,
}
BOOK_BYTES = 150_000  # one story or short novel of the catalogue
NO_TEXT = TextSize(bytes=0, largest_document_bytes=0)
SAMPLE_BYTES = 400_000  # compressed to see how hard the text is to predict: under two seconds
XZ_PRESET = 6


class CorpusForecast(StageConfig):
    """Sizes of a corpus, in bytes; `known_from` says how sure they are."""

    bytes: int
    largest_document_bytes: int
    train_bytes: int
    heldout_bytes: int
    known_from: str
    raw_bytes: int  # of the files, as they lie there
    raw_largest_bytes: int  # of the largest document in them, at most
    reading: CorpusPreview | None = None  # how its files are read; None where none is on this machine
    bytes_per_token: dict[int, float] = Field({})  # of a sample, by the vocabulary's size; {}: about as of English
    unspaced_share: float = 0.0  # of a sample: characters in long runs without a space, for each byte
    sample_bits_per_byte: float | None = None  # what xz makes of a stretch of it; None where no file is there to read

    @property
    def training_text(self) -> TrainingText:
        """The text that is trained on."""
        return self.text(self.train_bytes)

    def text(self, size: int) -> TrainingText:
        """So much of the text."""
        return TrainingText(size, self.bytes_per_token or ENGLISH)


class Known(StageConfig):
    """Which of a corpus's artifacts exist already."""

    raw: Artifact | None = None
    clean: Artifact | None = None


def find_known(config: RunConfig, store: Store) -> Known:
    """The raw and clean artifacts of this request, where they were made before."""
    key = key_of(resolve(config.download, store))
    raw = store.find("download", key) if key else None
    inputs = inputs_of_cleaning(store, raw, config.clean) if raw else {}
    clean_key = stage_key("clean", config.clean, {name: input.key for name, input in inputs.items()}) if raw else None
    return Known(raw=raw, clean=store.find("clean", clean_key) if clean_key else None)


def corpus_forecast(
    config: RunConfig, known: Known, preview: Preview, measure_text: Callable[[Path], dict[int, float]]
) -> CorpusForecast:
    """Sizes from the clean text where it exists, else from a look at the files, and from the catalogue.

    `preview` looks at files, `measure_text` at a clean text. Raises BadInput for an address whose size only a download
    will tell.
    """
    sources = corpora.resolve(config.download.corpus).sources
    sample = _sample_bits(_readable(sources, known))
    if known.clean:
        found = clean_forecast(known.clean, bytes_per_token(measure_text(known.clean.path)))
        return found.model_copy(update={"sample_bits_per_byte": sample})
    files = _raw_files(known.raw) if known.raw else [_raw_file(source) for source in sources if source.kind == "file"]
    others = [] if known.raw else [source for source in sources if source.kind != "file"]
    sizes = [_bytes_of(source) for source in others]
    largest = max((size for size, s in zip(sizes, others, strict=True) if _is_one_document(s)), default=0)
    look = preview(chosen_files(files), config.clean) if files else FilesLook()
    reading, text = previewed(files, look.files) if files else (None, NO_TEXT)
    raw_largest = max(largest, *(document_bytes(file) for file in files), 0)
    return _estimated(
        TextSize(bytes=text.bytes + sum(sizes), largest_document_bytes=max(text.largest_document_bytes, largest)),
        config.clean,
        raw_bytes=sum(file.bytes for file in files) + sum(sizes),
        raw_largest_bytes=raw_largest,
        known_from="the catalogue, about" if others else "a look at its files",
        reading=reading,
        bytes_per_token=bytes_per_token(look.bytes_per_token),
        unspaced_share=look.unspaced_share,
        sample_bits_per_byte=sample,
    )


def clean_forecast(cleaned: Artifact, per_token: dict[int, float]) -> CorpusForecast:
    """Sizes of a clean text, `per_token` what its tokens come to."""
    text = cleaned.read_metrics(CleanMetrics)
    return CorpusForecast(
        bytes=text.text_bytes,
        largest_document_bytes=text.longest_document_bytes,
        train_bytes=text.train_bytes,
        heldout_bytes=text.heldout_bytes,
        known_from="its clean text",
        raw_bytes=text.text_bytes,
        raw_largest_bytes=text.longest_document_bytes,
        reading=preview_of(text),
        unspaced_share=text.unspaced_share,
        bytes_per_token=per_token,
    )


def _estimated(text: TextSize, config: CleanConfig, **facts: Any) -> CorpusForecast:
    heldout = min(round(text.bytes * config.heldout_fraction), config.heldout_bytes)
    return CorpusForecast(
        bytes=text.bytes,
        largest_document_bytes=text.largest_document_bytes,
        train_bytes=text.bytes - heldout,
        heldout_bytes=heldout,
        **facts,
    )


def _raw_files(raw: Artifact) -> list[RawSource]:
    """The files of a raw artifact, by their whole paths."""
    return [source.model_copy(update={"path": str(raw.path / source.path)}) for source in read_sources(raw.path)]


def _raw_file(source: Source) -> RawSource:
    """A file of a request, as download would list it."""
    return RawSource(
        name=source.name,
        title=source.title,
        address=source.address,
        licence=source.licence,
        path=source.address,
        sha256="",
        bytes=Path(source.address).stat().st_size,
        format=source.format,
        separator=source.separator,
    )


def _is_one_document(source: Source) -> bool:
    return source.format == "text" and source.separator is None


def _bytes_of(source: Source) -> int:
    """Bytes of what has no file yet."""
    if source.name in CATALOGUE_BYTES:
        return CATALOGUE_BYTES[source.name]
    if source.sha256 is None and source not in [s for sources in corpora.CATALOGUE.values() for s in sources]:
        raise BadInput(
            f"only a download will tell how large {shown(source.address)} is: run "
            "`slowburn run --until clean` with this corpus first, then ask again"
        )
    return BOOK_BYTES


def _is_plain(path: Path) -> bool:
    """Whether a file is text as it lies there, rather than packed."""
    with path.open("rb") as stream:
        return file_kind(stream.read(HEAD_BYTES)) in ("text", "a web page")


def _readable(sources: tuple[Source, ...], known: Known) -> list[Path]:
    """The text files of the corpus that are on this machine."""
    if known.raw:
        files = [known.raw.path / source.path for source in read_sources(known.raw.path)]
    else:
        files = [Path(source.address) for source in sources if source.kind == "file"]
    return [path for path in files if _is_plain(path)]


def _sample_bits(files: list[Path]) -> float | None:
    """Bits per byte that xz needs for a stretch from the middle of the largest files; None without any."""
    sample = b""
    for path in sorted(files, key=lambda path: (-path.stat().st_size, path)):
        if len(sample) >= SAMPLE_BYTES:
            break
        with path.open("rb") as stream:
            stream.seek(max(0, (path.stat().st_size - SAMPLE_BYTES) // 2))
            sample += stream.read(SAMPLE_BYTES - len(sample))
    return 8 * len(lzma.compress(sample, preset=XZ_PRESET)) / len(sample) if sample else None
