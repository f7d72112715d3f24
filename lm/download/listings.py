"""What was found in each place that is more than a file, kept beside the pins: the sources are then known offline."""

from dataclasses import replace

from filelock import FileLock

from lm.config import StageConfig
from lm.download.corpora import Source
from lm.download.remote_addresses import below
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, read_json, write_record
from lm.text.addresses import identity, shown
from lm.text.licences import NOT_STATED

LISTINGS_FILE = "listings.json"


class RemoteFile(StageConfig):
    """A file in a place."""

    path: str  # below the place; empty where the place is the file
    bytes: int | None
    version: dict[str, str]  # what its content is called there; empty where it has no name


class Listing(StageConfig):
    """The files of a place, in the order of their names, and the licence that is stated for them."""

    files: tuple[RemoteFile, ...]
    licence: str = NOT_STATED


class Listings:
    """The files of every place of a corpus as they were when it was first used, or when a change was looked for."""

    def __init__(self, store: Store) -> None:
        self._folder = store.folder("download")
        self._path = self._folder / LISTINGS_FILE

    def of(self, place: Source) -> Listing | None:
        """What is known to be in a place."""
        kept = self._kept().get(identity(place.address))
        return Listing.model_validate(kept) if kept else None

    def keep(self, place: Source, listing: Listing) -> None:
        """Remember it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / ".listings.lock"):
            kept = self._kept() | {identity(place.address): listing.model_dump(mode="json")}
            write_record(self._path, {"schema_version": SCHEMA_VERSION, "places": dict(sorted(kept.items()))})

    def leave_out(self, source: Source) -> bool:
        """Forget a file that is no text; False where nothing else is in its place."""
        place = replace(source, address=source.place)
        listing = self.of(place)
        if listing is None or len(listing.files) < 2:
            return False
        files = tuple(file for file in listing.files if below(source.place, file.path) != source.address)
        self.keep(place, listing.model_copy(update={"files": files}))
        return True

    def _kept(self) -> dict[str, dict[str, object]]:
        return dict(read_json(self._path)["places"]) if self._path.exists() else {}


def sources_in(place: Source, listing: Listing) -> list[Source]:
    """The files of a place as sources."""
    licence = listing.licence if place.licence == NOT_STATED else place.licence
    return [
        replace(
            place,
            kind="remote",
            name=below(place.name, file.path),
            address=below(place.address, file.path),
            place=place.address,
            title=shown(below(place.address, file.path)),
            licence=licence,
        )
        for file in listing.files
    ]
