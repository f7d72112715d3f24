"""Files at addresses that are not the web's: object stores, code hosts, Hugging Face datasets; all through fsspec.

What opens them is found by each protocol's own library, in its environment variables and files: no credential is ever
a setting of Slowburn. A list of what is there and what each file is called there (ETag, hash or date) is had without
fetching any of it.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml

from lm.download.listings import Listing, RemoteFile
from lm.download.partial_file import PartialFile, PartialWriter
from lm.download.remote_addresses import PACKAGES
from lm.download.transfer import Failed, Limits, check_room, too_large
from lm.errors import BadInput, SlowburnError, Stopped
from lm.formatting import format_text_size
from lm.progress import Progress
from lm.store.keys import fingerprint
from lm.text.addresses import shown, without_secrets
from lm.text.file_kind import HEAD_BYTES, READABLE, file_kind
from lm.text.licences import NOT_STATED, tidy
from lm.text.tool_files import why_no_text

Result = TypeVar("Result")

BLOCK_BYTES = 2**22
MAX_FILES = 10_000
# What a file system may call a content by, best first; the size alone is no name.
VERSION_FACTS = ("ETag", "etag", "blob_id", "sha", "md5Hash", "version_id", "generation", "LastModified",
                 "last_modified", "updated", "mtime", "modify", "created")  # fmt: skip
DATASET_CARD, CARD_BYTES = "README.md", 2**18
NO_DATA = (".py", ".md", "LICENSE", "dataset_infos.json", ".png", ".jpg", ".svg", ".gitattributes")  # of a dataset


class NotText(BadInput):
    """A file that is no text, where others may be."""


def list_files(address: str, limits: Limits) -> Listing:
    """List what can be read in a place. Raises BadInput where there is nothing, or too much, and Stopped."""
    try:
        return _before_deadline(address, limits, lambda: _list(address, limits))
    except Failed as failure:
        raise Stopped(
            f"{shown(address)} cannot be listed ({failure}): check the network, then run this again"
        ) from None


def _list(address: str, limits: Limits) -> Listing:
    files, root = _open(address)
    info = files.info(root)
    if info["type"] == "file":
        return Listing(files=(_remote_file("", info),))
    is_dataset = address.lower().startswith("hf://")
    found = list[RemoteFile]()
    for name, details in files.find(root, detail=True).items():
        path = name[len(root) :].strip("/")
        if name.startswith(root) and details["type"] == "file" and _is_wanted(path, is_dataset):
            found.append(_remote_file(path, details))
    found = [file for file in found if file.bytes != 0]
    total = sum(file.bytes or 0 for file in found)
    if not found:
        raise BadInput(f"there is no file to read in {shown(address)}: check the address")
    if len(found) > MAX_FILES or total > limits.max_bytes:
        raise BadInput(
            f"{shown(address)} has {len(found):,} files of {format_text_size(total)} in all, above the cap: name a "
            "folder or file in it, or raise it with --set download.max_bytes=…"
        )
    licence = _card_licence(files, address, root) if is_dataset else NOT_STATED
    return Listing(files=tuple(sorted(found, key=lambda file: file.path)), licence=licence)


def _is_wanted(path: str, is_dataset: bool) -> bool:
    parts = PurePosixPath(path).parts
    usable = bool(parts) and path.isprintable() and not any(sign in path for sign in "?#")
    return usable and not why_no_text(path) and not (is_dataset and path.endswith(NO_DATA))


def _remote_file(path: str, info: Mapping[str, Any]) -> RemoteFile:
    named = {name: str(info[name]) for name in VERSION_FACTS if info.get(name)}
    size = info.get("size")
    return RemoteFile(path=path, bytes=size, version=named | {"size": str(size)} if named else {})


def _card_licence(files: Any, address: str, root: str) -> str:
    """The licence that the card of a Hugging Face dataset states, in the YAML at its head."""
    place = address.partition("://")[2].split("/")
    card = "/".join([*(part.strip("/") for part in place[:3]), DATASET_CARD])
    try:
        text = bytes(files.cat_file(card, start=0, end=CARD_BYTES)).decode(errors="replace")
    except OSError:
        return NOT_STATED
    try:
        facts = yaml.safe_load(text.split("---")[1]) if text.startswith("---") else {}
        licence = facts.get("license", "")
    except (yaml.YAMLError, AttributeError, IndexError):
        return NOT_STATED
    return ", ".join(filter(None, map(tidy, licence if isinstance(licence, list) else [licence]))) or NOT_STATED


def transfer_remote(address: str, partial: PartialFile, limits: Limits, progress: Progress) -> bool:
    """Bring a file, or the rest of it, in one attempt; it raises and returns what `transfer` of `transfer.py` does."""
    return _before_deadline(address, limits, lambda: _transfer(address, partial, limits, progress))


def _transfer(address: str, partial: PartialFile, limits: Limits, progress: Progress) -> bool:
    files, path = _open(address)
    file = _remote_file("", files.info(path))
    validator = fingerprint(file.version) if file.version else ""
    start = partial.arrived.bytes if validator and validator == partial.arrived.validator else 0
    check_room(address, file.bytes, start, partial, limits)
    with files.open(path, "rb", block_size=BLOCK_BYTES, cache_type="readahead") as stream:
        stream.seek(start)
        writer = PartialWriter(partial, start, file.bytes, validator)
        try:
            while limits.seconds_left > 0 and (block := stream.read(BLOCK_BYTES)):
                if writer.bytes == 0:
                    _check_kind(address, block)
                writer.write(block)
                if writer.bytes > limits.max_bytes:
                    raise too_large(address, f"more than {format_text_size(limits.max_bytes)}")
                progress(writer.bytes, file.bytes, "bytes", shown(address))
        finally:
            writer.close()
    if limits.seconds_left <= 0:
        raise Failed("the deadline has passed")
    if file.bytes is not None and writer.bytes != file.bytes:
        partial.forget()
        raise Failed(f"{writer.bytes:,} of {file.bytes:,} bytes came")
    partial.forget()
    return file.bytes is not None


def _check_kind(address: str, block: bytes) -> None:
    if (kind := file_kind(block[:HEAD_BYTES])) not in READABLE:
        raise NotText(f"{shown(address)} gave {kind} where text was expected: check the address")


def _open(address: str) -> tuple[Any, str]:
    """The file system behind an address, and the path there. Raises BadInput where its library is missing."""
    import fsspec.core

    scheme = address.partition("://")[0].lower()
    try:
        files, path = fsspec.core.url_to_fs(address)
    except ImportError:
        raise BadInput(
            f"{scheme}:// addresses need a package that is not installed: `.venv/bin/pip install {PACKAGES[scheme]}`, "
            "then run this again"
        ) from None
    files.invalidate_cache()  # file systems live as long as the process, and remember
    return files, str(path)


def _before_deadline(address: str, limits: Limits, work: Callable[[], Result]) -> Result:
    """Do it in a thread that is left behind at the deadline: libraries have no deadline for all they do."""
    outcome = list[Result]()
    failures = list[BaseException]()

    def attempt() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # whatever a library raises, this thread's owner gets to know it
            failures.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(max(0.0, limits.seconds_left))
    if thread.is_alive():
        raise Failed("the deadline has passed")
    if failures:
        raise _explained(address, failures[0])
    return outcome[0]


def _explained(address: str, error: BaseException) -> BaseException:
    """A library's exception in our terms: what is not there or not allowed will not be so on another attempt."""
    if isinstance(error, SlowburnError | Failed):
        return error
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return BadInput(
            f"{shown(address)} is not there, or you may not read it: check the address, and its credentials"
        )
    name = type(error).__name__
    if isinstance(error, PermissionError) or "Credential" in name or "Auth" in name:
        return BadInput(
            f"{shown(address)} may not be read ({name}): give the credentials that its library looks for, in its "
            f"environment variables or files ({PACKAGES[urlsplit(address).scheme]})"
        )
    said = without_secrets(str(error).strip().partition("\n")[0])[:160]
    return Failed(f"{name}: {said}".rstrip(": ."))
