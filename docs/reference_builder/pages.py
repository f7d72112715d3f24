"""All generated pages, by their path."""

from pathlib import Path

from docs.reference_builder.commands_page import commands_page
from docs.reference_builder.files_page import files_page
from docs.reference_builder.floors import with_floors
from docs.reference_builder.settings_page import settings_page

NOTICE = "<!-- Made from the code by `make docs`. Change the code, not this page. -->\n\n"
ARCHITECTURE = Path("docs", "architecture.md")
REFERENCE = Path("docs", "reference")


def generated(project: Path) -> dict[Path, str]:
    """Content of every page that is made from the code; architecture.md is kept but for its floors."""
    pages = {"settings.md": settings_page(), "files.md": files_page(), "commands.md": commands_page()}
    architecture = (project / ARCHITECTURE).read_text(encoding="utf-8")
    return {project / REFERENCE / name: NOTICE + text for name, text in pages.items()} | {
        project / ARCHITECTURE: with_floors(architecture, project)
    }
