"""Feeds and blogs' exports, RSS and Atom, those of WordPress and Blogger among them: each entry a document."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from lm.clean.readers.input_file import InputFile, Passage, Unreadable
from lm.clean.readers.pages import markup_text
from lm.clean.readers.zipped import consume, local_name, xml_events

ENTRIES = ("item", "entry")
CONTENTS = ("encoded", "content", "description", "summary")  # the fuller first
NO_POSTS = frozenset({"attachment", "nav_menu_item", "revision", "custom_css", "wp_global_styles"})  # of WordPress
_FEED = re.compile(r"\ufeff?\s*(?>(?:<\?[^>]*>\s*|<!--.*?-->\s*)*)<(?:rss|feed|rdf:RDF)\b", re.S)
_BLOCK_MARKS = re.compile(r"<!--\s*/?wp:.*?-->", re.S)  # of WordPress's editor
_TAG = re.compile(r"<[a-zA-Z/!]")
_SETTING = re.compile(r"#(?:settings|template)$")  # of Blogger: no entry that anybody wrote


def is_feed(head: str) -> bool:
    """Whether a text begins as a feed does."""
    return bool(_FEED.match(head))


def read_feed(file: InputFile) -> Iterator[Passage]:
    """Read the entries; links, dates and attachments are left out. Raises Unreadable."""
    file.unit, file.amount, others = "entries", 0, 0
    with file.path.open("rb") as stream:
        for event, element in xml_events(stream):
            if event == "start" or local_name(element) not in ENTRIES:
                continue
            if _is_post(element):
                file.amount += 1
                yield _entry(element, file.amount)
            else:
                others += 1
            consume(element)
    file.left_out = f"{others:,} entries that are no posts left out" if others else ""
    if not file.amount:
        raise Unreadable("a feed without entries")


def _is_post(entry: Element) -> bool:
    for child in entry:
        if local_name(child) == "post_type" and child.text in NO_POSTS:
            return False
        if local_name(child) == "category" and _SETTING.search(child.get("term", "")):
            return False
    return True


def _entry(entry: Element, number: int) -> Passage:
    found = dict[str, str]()
    for child in entry:
        found.setdefault(local_name(child), "".join(child.itertext()))
    title = " ".join(found.get("title", "").split())
    for name in CONTENTS:
        if content := found.get(name, "").strip():
            text = markup_text(_BLOCK_MARKS.sub("", content)) if _TAG.search(content) else content
            if text and text.strip():
                return Passage(f"{title}\n\n{text}" if title else text, title, number)
    return Passage(title or None, title, number)
