"""What compressed files and archives hold, file by file, in bounded disk space and memory.

Nothing is ever extracted under a name of its own: each file is written to one temporary place, read, and overwritten.
So names that lead elsewhere, links and devices in an archive can do nothing.
"""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from lm.errors import BadInput, Stopped
from lm.formatting import format_text_size
from lm.text.addresses import printable
from lm.text.compressed_files import BLOCK_BYTES, open_compressed, uncompressed_name
from lm.text.file_kind import ARCHIVES, COMPRESSED, HEAD_BYTES, READABLE, FileKind, file_kind
from lm.text.tool_files import why_no_text

MAX_LAYERS = 4  # an archive in an archive in …
# Beyond so much an expansion is a bomb: deflate cannot exceed 1,032, ordinary text comes to 3 and tables to 30.
MAX_EXPANSION, EXPANSION_FREE_BYTES = 300, 64 * 2**20
LEFT_FREE_BYTES = 256 * 2**20  # of the disk
EPUB = b"application/epub+zip"
ODT = b"application/vnd.oasis.opendocument.text"
DOCX_MEMBER = "word/document.xml"
OFFICE_MEMBER = "[Content_Types].xml"
ZIPPED_DOCUMENTS: frozenset[FileKind] = frozenset({"an EPUB book", "a DOCX document", "an ODT document"})
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


class Content(NamedTuple):
    """A file that can be read as text or as a table, until the next one is asked for."""

    name: str  # with the archives it is in, as in `notes.zip/a/b.txt`
    path: Path
    kind: FileKind


Skip = Callable[[str, str], None]  # a file's name and why it is not read


class TooLarge(Exception):
    """A compressed file that would expand to more than it may."""


class Expansion:
    """How much all archives of a corpus together may expand to."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.bytes = max_bytes, 0

    def write(self, stream: IO[bytes], compressed_bytes: int, target: Path) -> None:
        """Write what a stream expands to into `target`. Raises TooLarge for a bomb, BadInput at the cap."""
        own, most = 0, EXPANSION_FREE_BYTES + MAX_EXPANSION * compressed_bytes
        with target.open("wb") as out:
            while block := stream.read(BLOCK_BYTES):
                own, self.bytes = own + len(block), self.bytes + len(block)
                if own > most:
                    raise TooLarge
                self.check()
                if shutil.disk_usage(target.parent).free < LEFT_FREE_BYTES:
                    raise Stopped("the disk is too full to expand archives: make room, then run this again")
                out.write(block)

    def check(self) -> None:
        """Raise BadInput where it is more than it may be."""
        if self.bytes > self.max_bytes:
            raise BadInput(
                f"the archives of this corpus expand to more than {format_text_size(self.max_bytes)}: allow more with "
                "--set clean.max_expanded_bytes=…, or give less"
            )


def contents(path: Path, name: str, scratch: Path, expansion: Expansion, skip: Skip) -> Iterator[Content]:
    """Yield what a file holds: itself, or the files of an archive and of the archives in there.

    What cannot be read (not text, damaged, encrypted, nested too deeply, a bomb) is told to `skip` with the reason.
    Raises BadInput when all of it together is too large.
    """
    yield from _Walk(scratch, expansion, skip).files(path, name, layer=0)


class _Walk:
    def __init__(self, scratch: Path, expansion: Expansion, skip: Skip) -> None:
        self.scratch, self.expansion, self.skip = scratch, expansion, skip

    def files(self, path: Path, name: str, layer: int) -> Iterator[Content]:
        with path.open("rb") as stream:
            kind = file_kind(stream.read(HEAD_BYTES))
        if kind not in READABLE:
            self.skip(name, kind)
        elif kind not in COMPRESSED | ARCHIVES:
            yield Content(name, path, kind)
        elif layer == MAX_LAYERS:
            self.skip(name, "an archive in too many others")
        elif kind in COMPRESSED:
            target = self.scratch / str(layer)
            with open_compressed(path, kind) as expanded:
                whole = self._write(expanded, path.stat().st_size, target, name)
            if whole:
                yield from self.files(target, uncompressed_name(name, kind), layer + 1)
        else:
            yield from (self._zipped if kind == "a zip archive" else self._tarred)(path, name, layer)

    def _write(self, stream: IO[bytes], compressed_bytes: int, target: Path, name: str) -> bool:
        """Expand one file; say whether all of it came."""
        try:
            self.expansion.write(stream, compressed_bytes, target)
        except TooLarge:
            self.skip(name, f"it expands to more than {MAX_EXPANSION} times its size")
        except DAMAGED as error:
            self._tell_damage(error, name, "damaged or cut short")
        else:
            return True
        return False

    def _tell_damage(self, error: Exception, name: str, reason: str) -> None:
        """Skip a file that is damaged; what the system says of the disk is another matter."""
        if isinstance(error, OSError) and error.errno is not None:
            raise error
        self.skip(name, reason)

    def _tarred(self, path: Path, name: str, layer: int) -> Iterator[Content]:
        target = self.scratch / str(layer)
        try:
            with tarfile.open(path, "r:") as archive:
                while member := archive.next():
                    archive.members = []  # type: ignore[attr-defined]  # it would remember every one
                    inner = _member_name(name, member.name)
                    if member.isdir():
                        continue
                    if reason := why_no_text(member.name):
                        self.skip(inner, reason)
                    elif member.isfile() and not member.issparse():
                        content = archive.extractfile(member)
                        assert content
                        if self._write(content, member.size + BLOCK_BYTES, target, inner):
                            yield from self.files(target, inner, layer + 1)
                    else:
                        self.skip(inner, "a link, a device or a sparse file")
        except DAMAGED as error:
            self._tell_damage(error, name, "damaged or cut short; what precedes the damage was read")

    def _zipped(self, path: Path, name: str, layer: int) -> Iterator[Content]:
        try:
            with zipfile.ZipFile(path) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                names = {member.filename for member in members}
                kind = _document_kind(archive, names)
                if kind and kind in ZIPPED_DOCUMENTS:
                    yield Content(name, path, kind)
                elif kind:
                    self.skip(name, kind)
                else:
                    for member in members:
                        yield from self._member(archive, member, name, layer)
        except DAMAGED as error:
            self._tell_damage(error, name, "damaged or cut short")

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, layer: int) -> Iterator[Content]:
        inner, target = _member_name(name, member.filename), self.scratch / str(layer)
        if _is_encrypted(member):
            self.skip(inner, "encrypted")
        elif reason := why_no_text(member.filename):
            self.skip(inner, reason)
        else:
            try:
                stream = archive.open(member)
            except DAMAGED as error:
                self._tell_damage(error, inner, "damaged or compressed in a way that is not read")
                return
            with stream:
                whole = self._write(stream, member.compress_size, target, inner)
            if whole:
                yield from self.files(target, inner, layer + 1)


def _document_kind(archive: zipfile.ZipFile, names: set[str]) -> FileKind | None:
    """The kind of document that a zip archive is; None for an archive of files."""
    declared = b""
    if "mimetype" in names and not _is_encrypted(archive.getinfo("mimetype")):
        with archive.open("mimetype") as stream:
            declared = stream.read(100).strip()
    if declared == EPUB or "META-INF/container.xml" in names:
        return "an EPUB book"
    if declared == ODT:
        return "an ODT document"
    if DOCX_MEMBER in names:
        return "a DOCX document"
    return "an office document of a kind that is not read" if declared or OFFICE_MEMBER in names else None


def _member_name(archive: str, member: str) -> str:
    """Name a file in an archive; what leads upwards in its own name is left out."""
    parts = [part for part in PurePosixPath(member.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return f"{archive}/{printable('/'.join(parts))}"


def _is_encrypted(member: zipfile.ZipInfo) -> bool:
    return bool(member.flag_bits & 1)
