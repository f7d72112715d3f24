"""Which reader reads a file: found by its content first, then by its name."""

import re
from collections.abc import Callable
from typing import NamedTuple

from lm.clean.readers.annotated import is_conllu, is_extracted_wiki, read_conllu, read_extracted_wiki
from lm.clean.readers.calendars import is_calendar, is_contacts, read_calendar
from lm.clean.readers.chat_forms import is_saved_chat, read_saved_chat
from lm.clean.readers.chat_logs import is_chat_log, read_chat_log
from lm.clean.readers.csv_tables import is_table, read_csv
from lm.clean.readers.epub import read_epub
from lm.clean.readers.evernote import is_evernote, read_evernote
from lm.clean.readers.feeds import is_feed, read_feed
from lm.clean.readers.flashcards import is_flashcards, read_flashcards
from lm.clean.readers.highlights import is_clippings, read_clippings
from lm.clean.readers.input_file import Reader, not_read
from lm.clean.readers.json_documents import assigned, read_json
from lm.clean.readers.json_lines import holds_messages, parsed, read_json_lines, read_message_lines
from lm.clean.readers.light_markup import has_light_markup, read_light_markup
from lm.clean.readers.mail import is_mail, is_mailbox, is_saved_page, read_mail, read_mailbox, read_saved_page
from lm.clean.readers.manual_pages import is_manual_page, read_manual_page
from lm.clean.readers.markup import has_front_matter, is_latex, read_latex, read_markdown, read_rtf
from lm.clean.readers.notebooks import read_notebook
from lm.clean.readers.office import read_docx, read_odt
from lm.clean.readers.outlines import is_outline, read_outline
from lm.clean.readers.pages import is_page, read_page
from lm.clean.readers.parquet_tables import read_parquet
from lm.clean.readers.pdf import read_pdf
from lm.clean.readers.plain_text import HEAD_CHARACTERS, read_text
from lm.clean.readers.subtitles import is_subtitles, is_timed_lines, read_subtitles, read_timed_lines
from lm.clean.readers.translations import is_translations, read_translations
from lm.clean.readers.web_archives import read_warc
from lm.clean.readers.wikipedia import WIKITEXT_SUFFIXES, is_wiki_dump, read_wiki_dump, read_wikitext
from lm.clean.readers.xml_documents import is_drawing, is_xml, read_xml
from lm.text.file_kind import FileKind

LINES_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")
JSON_SUFFIXES = (".json", ".geojson", ".canvas")
TIMED_SUFFIXES = (".lrc", ".ass", ".ssa", ".sbv", ".sub")
TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".psv")
SOURCE_SUFFIXES = (".py", ".js", ".ts", ".mjs", ".cjs", ".go", ".rb", ".nix", ".jsonnet", ".libsonnet", ".tf", ".hcl")
# Texts whose content says what they are; others, such as source code, are what their name says.
OPEN_SUFFIXES = ("", ".txt", ".text", ".log", ".dat", ".data", ".asc", ".weechatlog", ".md", ".markdown", ".export")
_JSON_START = re.compile(r'\ufeff?\s*(?:\[\s*)?\{\s*"[^"\n]{1,200}"\s*:|\ufeff?\s*\[\s*"')


class Format(NamedTuple):
    """A format, as a report names it, and what reads it."""

    name: str
    read: Reader


TEXT = Format("text", read_text)
JSON_LINES = Format("JSON lines", read_json_lines)
PAGE = Format("web page", read_page)
BY_KIND: dict[FileKind, Format] = {
    "a web page": PAGE,
    "a parquet file": Format("table", read_parquet),
    "a PDF file": Format("PDF", read_pdf),
    "an RTF document": Format("RTF document", read_rtf),
    "an EPUB book": Format("EPUB book", read_epub),
    "a DOCX document": Format("DOCX document", read_docx),
    "an ODT document": Format("ODT document", read_odt),
    "a web archive": Format("web archive", read_warc),
}
Holds = Callable[[str, str], bool]  # whether a file of this name, in lower case, and beginning is of a format
FORMATS: tuple[tuple[Holds, Format], ...] = (
    # XML, and what looks like it
    (lambda _, head: is_wiki_dump(head), Format("wiki dump", read_wiki_dump)),
    (lambda name, head: is_page(name, head), PAGE),
    (lambda name, head: is_drawing(name, head), Format("drawing", not_read("a drawing (SVG)"))),
    (lambda name, head: is_evernote(name, head), Format("Evernote notes", read_evernote)),
    (lambda _, head: is_feed(head), Format("feed", read_feed)),
    (lambda name, head: is_outline(name, head), Format("outline", read_outline)),
    (lambda name, head: is_xml(name, head), Format("XML document", read_xml)),
    (lambda _, head: is_extracted_wiki(head), Format("pages of a wiki", read_extracted_wiki)),
    # JSON
    (lambda name, _: name.endswith(".ipynb"), Format("notebook", read_notebook)),
    (
        lambda name, head: _holds_json_lines(name, head) and holds_messages(head),
        Format("conversation", read_message_lines),
    ),
    (lambda name, head: _holds_json_lines(name, head), JSON_LINES),
    (lambda name, head: _holds_json(name, head), Format("JSON", read_json)),
    # Lines in a form of their own
    (lambda name, head: name.endswith(".srt") or is_subtitles(head), Format("subtitles", read_subtitles)),
    (
        lambda name, head: name.endswith(TIMED_SUFFIXES) or (_is_open(name) and is_timed_lines(head)),
        Format("subtitles", read_timed_lines),
    ),
    (lambda name, head: name.endswith(".mbox") or is_mailbox(head), Format("mailbox", read_mailbox)),
    (lambda name, head: is_saved_page(name, head), Format("saved web page", read_saved_page)),
    (lambda name, head: name.endswith((".eml", ".emlx")) or is_mail(head), Format("e-mail", read_mail)),
    (lambda _, head: is_calendar(head), Format("calendar", read_calendar)),
    (lambda _, head: is_contacts(head), Format("contacts", not_read("contacts: names and numbers, no text"))),
    (lambda name, head: is_translations(name, head), Format("translated messages", read_translations)),
    (lambda name, head: is_conllu(name, head), Format("annotated sentences", read_conllu)),
    (lambda name, head: is_manual_page(name, head), Format("manual page", read_manual_page)),
    (lambda name, head: is_latex(name, head), Format("LaTeX document", read_latex)),
    (lambda name, _: name.endswith(WIKITEXT_SUFFIXES), Format("page of a wiki", read_wikitext)),
    (lambda name, head: _is_open(name) and is_clippings(head), Format("Kindle clippings", read_clippings)),
    (lambda name, head: _is_open(name) and is_chat_log(head), Format("chat", read_chat_log)),
    (lambda name, head: _is_open(name) and is_saved_chat(head), Format("chat", read_saved_chat)),
    (lambda _, head: is_flashcards(head), Format("flashcards", read_flashcards)),
    (
        lambda name, head: name.endswith(TABLE_SUFFIXES) or (_is_open(name) and is_table(head)),
        Format("table", read_csv),
    ),
    (lambda name, head: has_front_matter(name, head), Format("Markdown", read_markdown)),
    (lambda name, head: has_light_markup(name, head), Format("light markup", read_light_markup)),
)


def recognise(name: str, kind: FileKind, head: str) -> Format:
    """Say how a file is to be read, by its kind, or for a text by its name and first HEAD_CHARACTERS."""
    if kind in BY_KIND:
        return BY_KIND[kind]
    lowered = name.lower()
    return next((form for holds, form in FORMATS if holds(lowered, head)), TEXT)


def _is_open(name: str) -> bool:
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return (dot + suffix if stem else "") in OPEN_SUFFIXES


def _holds_json_lines(name: str, head: str) -> bool:
    """Whether a file holds JSON lines: by its name, else by its first lines, each an object."""
    if name.endswith(LINES_SUFFIXES):
        return True
    if name.endswith(SOURCE_SUFFIXES) or not head.startswith("{"):
        return False
    first, _, rest = head.partition("\n")
    second, newline, _ = rest.lstrip().partition("\n")
    whole = bool(newline) or len(head) < HEAD_CHARACTERS  # else the second line is cut
    return isinstance(parsed(first), dict) and bool(second) and (not whole or isinstance(parsed(second), dict))


def _holds_json(name: str, head: str) -> bool:
    """Whether a file holds a JSON document: by its name, else by its beginning, or all of a short one."""
    if name.endswith(JSON_SUFFIXES) or assigned(name, head):
        return True
    if name.endswith(SOURCE_SUFFIXES) or not _JSON_START.match(head):
        return False
    return len(head) == HEAD_CHARACTERS or parsed(head) is not None
