"""Prefect's command line, with a server that asks no other host: it knows the kinds of workers from its own package.

`python -m flows.local_server server start …`: Prefect's own server asks GitHub for them, whenever a pool is made.
"""

import json
from pathlib import Path

from lm.config import JsonObject
from lm.local_only import stay_local


def main() -> None:
    """Do what the command line says."""
    stay_local()
    from prefect.cli import app
    from prefect.server.api import collections

    views = Path(collections.__file__).parent / "collections_data" / "views"

    async def packaged_view(view: str) -> JsonObject:
        """Read what the package itself has. Raises KeyError, which is answered with 404, where it has no such view."""
        known = {file.stem: file for file in views.glob("*.json")}
        content: JsonObject = json.loads(known[view].read_text(encoding="utf-8"))
        return content

    collections.get_collection_view = packaged_view
    app()


if __name__ == "__main__":
    main()
