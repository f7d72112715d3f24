"""How much text a request names, found without downloading, cleaning or reading it whole."""

import lzma
from pathlib import Path

from lm.clean.config import CleanConfig
from lm.clean.metrics import CleanMetrics
from lm.config import StageConfig
from lm.download import corpora
from lm.download.corpora import Source
from lm.download.metrics import DownloadMetrics
from lm.download.stage import key_of, resolve
from lm.errors import BadInput
from lm.run_config import RunConfig
from lm.runs.earlier_text import inputs_of_cleaning
from lm.stages import stage_key
from lm.store.artifacts import Artifact, Store
from lm.text.addresses import shown
from lm.text.file_kind import HEAD_BYTES, file_kind
from lm.text.raw_sources import read_sources

# Bytes of what has no file yet. Books that are issued anew now and then, and what an interpreter ships, vary a little.
CATALOGUE_BYTES = {
    "python-docs": 2_410_000,
    "tiny-shakespeare": 1_115_394,
    "king-james-bible": 4_400_000,
    "tinystories/train": 2_200_000_000,
    "tinystories/valid": 22_500_000,
}
BOOK_BYTES = 150_000  # one story or short novel of the catalogue
PACKED_SHARE = 3  # what archives and compressed files unpack to, about
SAMPLE_BYTES = 400_000  # compressed to see how hard the text is to predict: under two seconds
XZ_PRESET = 6


class CorpusForecast(StageConfig):
    """Sizes of a corpus, in bytes; `known_from` says how sure they are."""

    bytes: int
    largest_document_bytes: int
    train_bytes: int
    heldout_bytes: int
    known_from: str
    sample_bits_per_byte: float | None = None  # what xz makes of a stretch of it; None where no file is there to read


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


def corpus_forecast(config: RunConfig, known: Known) -> CorpusForecast:
    """Sizes from the clean text where it exists, else from the raw, else from the files and the catalogue.

    Raises BadInput for an address whose size only a download will tell.
    """
    sources = corpora.resolve(config.download.corpus).sources
    sample = _sample_bits(_readable(sources, known))
    if known.clean:
        return clean_forecast(known.clean).model_copy(update={"sample_bits_per_byte": sample})
    if known.raw:
        raw = known.raw.read_metrics(DownloadMetrics)
        return _estimated(raw.bytes, raw.largest_document_bytes, config.clean, "its raw files", sample)
    sizes = [_bytes_of(source) for source in sources]
    whole = [size for size, source in zip(sizes, sources, strict=True) if source.kind != "embedded"]
    largest = max((size for size, s in zip(sizes, sources, strict=True) if _is_one_document(s)), default=100_000)
    known_from = "its files" if all(source.kind == "file" for source in sources) else "the catalogue, about"
    return _estimated(sum(sizes), largest if whole else 100_000, config.clean, known_from, sample)


def clean_forecast(cleaned: Artifact) -> CorpusForecast:
    """Sizes of a clean text."""
    text = cleaned.read_metrics(CleanMetrics)
    return CorpusForecast(
        bytes=text.text_bytes,
        largest_document_bytes=text.longest_document_bytes,
        train_bytes=text.train_bytes,
        heldout_bytes=text.heldout_bytes,
        known_from="its clean text",
    )


def _estimated(total: int, largest: int, config: CleanConfig, known_from: str, sample: float | None) -> CorpusForecast:
    heldout = min(round(total * config.heldout_fraction), config.heldout_bytes)
    return CorpusForecast(
        bytes=total,
        largest_document_bytes=largest,
        train_bytes=total - heldout,
        heldout_bytes=heldout,
        known_from=known_from,
        sample_bits_per_byte=sample,
    )


def _is_one_document(source: Source) -> bool:
    return source.format == "text" and source.separator is None


def _bytes_of(source: Source) -> int:
    if source.kind == "file":
        path = Path(source.address)
        return path.stat().st_size * (1 if _is_plain(path) else PACKED_SHARE)
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
