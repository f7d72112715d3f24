"""A page of HTML from a template of this folder, with the style that all of them share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lm.store.files import replace_atomically
from lm.text.plain_text import visible

STYLE = "report.css"


class Chart(NamedTuple):
    """A picture for a wide page and for a narrow one, and what it shows."""

    wide: str = ""
    narrow: str = ""
    text: str = ""

    @classmethod
    def of(cls, svg: Mapping[str, str], text: str = "") -> Self:
        """Trust pictures as they are: drawn here, with every text in them escaped."""
        return cls(Markup(svg["wide"]), Markup(svg["narrow"]), text)


def write_page(path: Path, template: str, content: Mapping[str, Any]) -> None:
    """Write a page, whole or not at all."""
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = Markup((here / STYLE).read_text(encoding="utf-8"))
    with replace_atomically(path) as temporary:
        temporary.write_text(environment.get_template(template).render({**content, "style": style}), encoding="utf-8")


def _harmless(value: Any) -> Any:
    """What the template prints, without control characters; escaping what HTML means by it is done after."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
