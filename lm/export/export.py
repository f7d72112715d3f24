"""Models leave home: a folder for Hugging Face's transformers, or a GGUF file for llama.cpp and ollama."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from lm.errors import BadInput
from lm.export.packed import Packed, write_packed
from lm.model.hf_config import read_model_config
from lm.store.artifacts import Artifact, Store
from lm.store.files import flush, move

if TYPE_CHECKING:
    from lm.export.model_card import FileLoss, Origins

Format = Literal["hf", "gguf"]
FORMATS: tuple[Format, ...] = ("hf", "gguf")
HF_FILES = ("config.json", "model.safetensors", "tokenizer.model")
HF_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
TOKENIZER_FILES = ("tokenizer.model", *HF_TOKENIZER_FILES)
MODELFILE = "Modelfile"
OLLAMA = '''FROM ./{file}
TEMPLATE """{{{{ .Prompt }}}}"""
PARAMETER temperature 0.8
PARAMETER top_p 0.95
PARAMETER num_ctx {context}
'''
GGUF_CUT = "Prompt and answer together must fit into what it reads at once: beyond that llama.cpp shifts or stops."


def export(store: Store, models: Sequence[Artifact], export_format: Format, to: Path | None = None) -> Path:
    """Write a model, and its card, into a new folder and return the folder; without `to`, into the current one.

    Several models, which differ in their seed alone, are packed into one.
    The folder is there whole or not at all, and the same model gives the same bytes. Raises BadInput when `to` exists
    and is no empty folder, or when its parent cannot be written.
    """
    from lm.export.model_card import CARD_FILE, model_card, origins_of  # brings jinja2

    model = models[0]
    origins = origins_of(store, model)
    slug = _slug(origins.corpus, model.key) + (f"-{len(models)}-seeds" if models[1:] else "")
    folder = (to or Path(f"{slug}-{export_format}")).resolve()
    partial = folder.with_name(f".{folder.name}.partial")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadInput(f"{folder} exists already: name another folder with --to, or remove this one first")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        file = f"{slug}.gguf"
        with TemporaryDirectory() as scratch:
            packed = _pack(store, models, Path(scratch)) if models[1:] else None
            source = Path(scratch) if packed else model.path
            limits = (
                _write_hf(source, model.key, partial)
                if export_format == "hf"
                else _write_gguf(source, partial, file, origins.licence)
            )
            files = [] if export_format == "hf" else _measured(source, origins, partial, file)
        names = {"name": slug, "slug": slug, "folder": folder.name, "file": file}
        card = model_card(origins, export_format, names, limits, packed, files)
        (partial / CARD_FILE).write_text(card, encoding="utf-8")
        for written in partial.iterdir():
            flush(written)
        if folder.exists():
            folder.rmdir()
        move(partial, folder)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written ({error.strerror}): name another folder with --to") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _pack(store: Store, models: Sequence[Artifact], folder: Path) -> Packed:
    """Write a folder of a model that holds them all, with the tokenizer that they share."""
    for name in TOKENIZER_FILES:
        if (models[0].path / name).exists():
            shutil.copyfile(models[0].path / name, folder / name)
    return write_packed(store, models, folder)


def _write_hf(source: Path, key: str, folder: Path) -> list[str]:
    """Copy what transformers reads; returns the limits to state."""
    from lm.tokenizer.hf_files import WORD_LIMIT

    for name in HF_FILES:
        _copy(source, key, name, folder)
    if not (source / HF_TOKENIZER_FILES[0]).exists():
        return [WORD_LIMIT]
    for name in HF_TOKENIZER_FILES:
        _copy(source, key, name, folder)
    return []


def _copy(source: Path, key: str, name: str, folder: Path) -> None:
    if not (source / name).is_file():
        raise BadInput(f"{source / name} is missing: `slowburn verify {key}` says how to make it again")
    shutil.copyfile(source / name, folder / name)


def _write_gguf(source: Path, folder: Path, file: str, licence: str) -> list[str]:
    """Write the GGUF file, and what ollama wants beside it; returns the limits to state."""
    from lm.export.gguf import F16, Q8_0, write_gguf  # brings numpy

    for precision, written in ((F16, file), (Q8_0, _small(file))):
        name = written.removesuffix(".gguf")
        limit = write_gguf(source, folder / written, name=name, licence=licence, precision=precision)
    ollama = OLLAMA.format(file=file, context=read_model_config(source)[0].context)
    (folder / MODELFILE).write_text(ollama, encoding="utf-8")
    return [limit, GGUF_CUT]


def _small(file: str) -> str:
    """The name of the file with eight bits a weight, beside the one with sixteen."""
    return f"{file.removesuffix('.gguf')}-q8_0.gguf"


def _measured(source: Path, origins: "Origins", folder: Path, file: str) -> "list[FileLoss]":
    """Each GGUF file with its size and the loss of the model as it stores it."""
    from lm.export.gguf import F16, Q8_0
    from lm.export.measured_loss import measure_loss  # brings torch
    from lm.export.model_card import FileLoss

    ways = {precision.name: precision.read_back for precision in (F16, Q8_0)}
    loss = measure_loss(source, origins.clean.path, ways) if origins.clean else None
    files = {F16.name: folder / file, Q8_0.name: folder / _small(file)}
    return [FileLoss(path.name, path.stat().st_size, name, loss) for name, path in files.items()]


def _slug(corpus: str, key: str) -> str:
    """A name for files and for ollama: letters, digits and dashes."""
    words = re.sub(r"[^a-z0-9]+", "-", corpus.lower()).strip("-")[:40].strip("-")
    return f"slowburn-{words}-{key[:6]}" if words else f"slowburn-{key[:6]}"
