"""A matplotlib figure as SVG that lives inside an HTML page: it follows the page's font, its dark mode and its width.

Colours are drawn as stand-ins and become CSS variables; text stays text; every id is made unique to the figure.
"""

import io
import re
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
ROLES = ("ink", "muted", "grid", "band", "model", "unseen", "other", "limit")
STAND_INS = {role: f"#{index:02x}c0de" for index, role in enumerate(ROLES)}
COLOUR_OF_STAND_IN = {colour: f"var(--{role})" for role, colour in STAND_INS.items()}
NO_METADATA = dict.fromkeys(["Creator", "Date", "Format", "Type"])


def as_inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Render a figure that was drawn in the colours of `STAND_INS` as one `<svg>` element.

    `name` is unique in the page. `title` and `description` are what a screen reader says in the picture's place. Same
    figure, same text: no dates, no random ids.
    """
    root = ElementTree.fromstring(_render(figure, name))
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib.update({"role": "img", "aria-labelledby": f"{name}-title {name}-description"})
    _drop_document_style(root)
    _make_ids_local(root, name)
    for element in root.iter():
        if style := element.get("style"):
            element.set("style", _page_style(style))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
    for index, (tag, text) in enumerate([("title", title), ("desc", description)]):
        label = ElementTree.Element(f"{{{SVG}}}{tag}", id=f"{name}-{'title' if tag == 'title' else 'description'}")
        label.text = text
        root.insert(index, label)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def as_png(figure: Figure) -> bytes:
    """Render a figure as PNG: where a page cannot be had, a picture can."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=144, metadata={"Software": None})
    return buffer.getvalue()


def _render(figure: Figure, name: str) -> str:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=NO_METADATA)
    return buffer.getvalue()


def _drop_document_style(root: ElementTree.Element) -> None:
    """Matplotlib's `<style>*{…}` would style the whole page that the figure is put into."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{SVG}}}style":
                parent.remove(child)


def _make_ids_local(root: ElementTree.Element, name: str) -> None:
    """Keep only the ids that something in the figure refers to, and put the figure's name before them."""
    for element in root.iter():
        if "id" in element.attrib:
            shared = element.tag == f"{{{SVG}}}clipPath" or element.tag == f"{{{SVG}}}path"
            identifier = element.attrib.pop("id")
            if shared:
                element.set("id", f"{name}-{identifier}")
        if reference := element.get(f"{{{XLINK}}}href"):
            element.set(f"{{{XLINK}}}href", reference.replace("#", f"#{name}-"))
        if reference := element.get("clip-path"):
            element.set("clip-path", reference.replace("#", f"#{name}-"))


def _page_style(style: str) -> str:
    """Let the page choose font and colours."""
    style = re.sub(r"font-family:[^;]*;?\s*", "", style)
    return re.sub(r"#[0-9a-f]{6}", lambda match: COLOUR_OF_STAND_IN.get(match[0], match[0]), style)
