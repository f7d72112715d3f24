"""Dumps of Wikipedia and other wikis: each page a document, without templates, tables, references and files."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.zipped import consume, local_name, xml_events

MAX_CHARACTERS = 2**21  # of a page
ARTICLES = "0"  # the namespace of pages that are no talk, file or template
WIKITEXT_SUFFIXES = (".wiki", ".wikitext", ".mediawiki", ".mw")
MEDIA_NAMESPACES = ("6", "14")  # of files and of categories, whatever a language calls them
LEFT_OUT_TAGS = frozenset({"ref", "table", "gallery", "timeline", "references", "score", "imagemap", "math"})
_EMPTY_LINES = re.compile(r"\n{3,}")
_SPACES = re.compile(r"(?<=\S) {2,}(?=\S)")  # where a template stood
_EMPTY_BRACKETS = re.compile(r" ?\(\s*[,;]?\s*\)")


def is_wiki_dump(head: str) -> bool:
    """Whether a text begins as a dump of a wiki does."""
    return "<mediawiki" in head[:2_000]


def read_wiki_dump(file: InputFile) -> Iterator[Passage]:
    """Read the articles of a dump; talk, templates and redirects are left out. Raises Unreadable for damaged XML."""
    file.unit, file.amount, others = "articles", 0, 0
    media = {"file", "image", "category"}
    with file.path.open("rb") as stream:
        for event, element in xml_events(stream):
            if event == "start":
                continue
            if local_name(element) == "namespace" and element.get("key") in MEDIA_NAMESPACES:
                media.add((element.text or "").lower())
            if local_name(element) != "page":
                continue
            page = _facts(element)
            if page.get("ns") == ARTICLES and "redirect" not in page:
                file.amount += 1
                yield Passage(wiki_text(page.get("text", ""), media), page.get("title", ""), file.amount)
            else:
                others += 1
            consume(element)
    file.left_out = f"{others:,} talk pages, templates and redirects left out" if others else ""


def read_wikitext(file: InputFile) -> Iterator[Passage]:
    """Read one page as it is edited. Raises Unreadable where it is too long to be one."""
    text = wiki_text(file.head(MAX_CHARACTERS + 1), {"file", "image", "category"})
    if text is None:
        raise Unreadable(f"a page of a wiki of more than {MAX_CHARACTERS // 10**6} million characters")
    file.left_out = "templates and tables left out"
    yield Passage(text)


def _facts(page: Element) -> dict[str, str]:
    return {local_name(element): element.text or "" for element in page.iter()}


def wiki_text(source: str, media: set[str]) -> str | None:
    """What a reader of a page sees of its source; None where it is too long to be a page."""
    import mwparserfromhell

    if len(source) > MAX_CHARACTERS:
        return None
    code = mwparserfromhell.parse(source, skip_style_tags=False)
    for link in code.filter_wikilinks():
        if str(link.title).strip().lstrip(":").partition(":")[0].lower() in media:
            _remove(code, link)
    for tag in code.filter_tags(matches=lambda tag: str(tag.tag).lower() in LEFT_OUT_TAGS):
        _remove(code, tag)
    text = code.strip_code(normalize=True, collapse=True)
    lines = "\n".join(line.strip() for line in _SPACES.sub(" ", _EMPTY_BRACKETS.sub("", text)).split("\n"))
    return _EMPTY_LINES.sub("\n\n", lines).strip("\n") + "\n"


def _remove(code: Any, node: Any) -> None:
    try:
        code.remove(node)
    except ValueError:  # it stood in one that is gone
        return
