"""Books, documents, mail, wikis, notebooks: the text that was written in them, and nothing of what frames it."""

import json
from pathlib import Path

import pytest

from tests.lm.clean.readers.made_files import docx, epub, odt, pdf, zipped
from tests.lm.clean.readers.reading import read, texts, told
from tests.lm.clean.readers.sentences import sentence


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    """Not by the names of its files; its table of contents is no chapter; menus and links are not looked for."""
    page = (
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title>{0}</title></head>"
        "<body><h1>{0}</h1><p>{1}</p></body></html>"
    )
    pages = {f"c{n}.xhtml": page.format(f"Chapter {n}", f"Über {sentence(n)}") for n in range(1, 4)}
    pages["nav.xhtml"] = page.format("Contents", "Chapter 1")
    book = epub(pages, ["nav.xhtml", "c2.xhtml", "c3.xhtml", "c1.xhtml"], contents="nav.xhtml")
    documents, _ = read(tmp_path, "book.epub", book)
    assert [document.title for document in documents] == ["Chapter 2", "Chapter 3", "Chapter 1"]
    assert all(f"Über {sentence(n)}" in document.text for n, document in zip((2, 3, 1), documents, strict=True))
    assert told(tmp_path, "book.epub", book) == "book.epub: EPUB book, 3 chapters"


def test_a_docx_gives_its_paragraphs(tmp_path: Path) -> None:
    """Runs are joined, tabs and breaks kept; what was deleted, field codes and fallbacks are no text; notes follow."""
    body = (
        "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>The sea </w:t></w:r>"
        "<w:r><w:t>was calm.</w:t></w:r></w:p>"
        "<w:p><w:r><w:tab/><w:t>To be,</w:t><w:br/><w:t>or not.</w:t></w:r></w:p>"
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>Kept &amp; so.</w:t></w:r></w:ins>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    notes = f"<w:footnotes {space}><w:footnote><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    content = docx(body, **{"word/footnotes.xml": notes})
    assert texts(tmp_path, "a.docx", content) == ["The sea was calm.\n\tTo be,\nor not.\nKept & so.\nCell\nA note.\n"]
    assert told(tmp_path, "a.docx", content) == "a.docx: DOCX document, 5 paragraphs"


def test_an_odt_gives_its_paragraphs(tmp_path: Path) -> None:
    """Text stands where it stood between spans; counted spaces are spaces; changes and remarks are left out."""
    body = (
        "<office:body><office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        "<text:h>Storm</text:h><text:p>The <text:span>sea</text:span> was<text:s text:c='3'/>calm"
        "<office:annotation><dc:creator>Ann</dc:creator><text:p>why?</text:p></office:annotation>."
        "<text:line-break/>So.</text:p>"
        "<text:list><text:list-item><text:p>Item</text:p></text:list-item></text:list></office:text></office:body>"
    )
    assert texts(tmp_path, "a.odt", odt(body)) == ["Storm\nThe sea was   calm.\nSo.\nItem\n"]


def test_a_pdf_gives_its_text_without_running_heads(tmp_path: Path) -> None:
    """Page numbers and the title at the head of each page stand in no sentence; the first page keeps its title."""
    pages = [["The Harbour", sentence(n), sentence(n + 100), f"Page {n}"] for n in range(6)]
    (text,) = texts(tmp_path, "book.pdf", pdf(pages))
    assert text.split("\n")[:5] == ["The Harbour", sentence(0), sentence(100), sentence(1), sentence(101)]
    assert text.count("Harbour\n") == 1 and "Page" not in text
    assert told(tmp_path, "book.pdf", pdf(pages)) == "book.pdf: PDF, 6 pages; running heads and page numbers left out"


def test_rtf_and_latex_give_what_a_reader_sees(tmp_path: Path) -> None:
    """Commands are carried out or left out, formulas stay as written."""
    rtf = r"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Arial;}\f0\fs24 The caf\'e9 was \b empty\b0.\par Nobody came.\par}"
    assert texts(tmp_path, "a.rtf", rtf)[0].strip() == "The café was empty.\nNobody came."
    latex = (
        "% a remark\n\\documentclass{article}\n\\title{Storm}\n\\begin{document}\n\\section{The sea}\n"
        "It was \\emph{late}, "
        "and the caf\\'e --- ``empty'' --- closed.\n\nHere $x^2 = 4$ holds. % hidden\n\\end{document}\nrubbish"
    )
    (text,) = texts(tmp_path, "a.tex", latex)
    assert "It was late, and the café — “empty” — closed." in text and "$x^2 = 4$" in text
    assert not [gone for gone in ("documentclass", "emph", "hidden", "remark", "rubbish") if gone in text]
    assert texts(tmp_path, "paper", latex) == [text]


SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Who is there?</i>\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\n"
    "{\\an8}Nobody &amp; no one.\r\n- Come in.\r\n\r\n"
)
VTT = (
    "WEBVTT - Film\n\nNOTE made by hand\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.500 align:start\n"
    "<v Ann>Who is there?</v>\n\n00:03.000 --> 00:04.000\n<c.red>Nobody</c> &amp; no one.<00:03.500>\n"
)


def test_subtitles_are_what_is_said(tmp_path: Path) -> None:
    """Numbers, times, styles and notes go; a voice of WebVTT is a speaker; the format is known by content too."""
    assert (
        texts(tmp_path, "a.srt", SRT)
        == texts(tmp_path, "a.txt", SRT)
        == ["Who is there?\nNobody & no one.\n- Come in.\n"]
    )
    assert texts(tmp_path, "a.vtt", VTT) == ["Ann: Who is there?\nNobody & no one.\n"]
    assert told(tmp_path, "a.srt", SRT) == "a.srt: subtitles, 2 subtitles"


PLAIN = (
    "From: Ann <ann@example.org>\nTo: b@example.org\nSubject: =?utf-8?q?Caf=C3=A9?=\nMIME-Version: 1.0\n"
    "Message-ID: <1@x>\n"
    "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
    "The caf=E9 was empty.\n\nOn Monday Ben wrote:\n> Was it?\n> So?\n\nIt was.\n-- \nAnn, 0123 456\n"
)
PARTS = (
    "From: Ann <ann@example.org>\nSubject: Two\nMIME-Version: 1.0\nMessage-ID: <2@x>\n"
    "Content-Type: multipart/mixed; boundary=B\n\n--B\n"
    "Content-Type: text/html; charset=utf-8\n\n<html><body><p>Nobody came.</p></body></html>\n--B\n"
    "Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n--B--\n"
)


def test_mail_is_what_was_written(tmp_path: Path) -> None:
    """Headers, attachments, signatures and what is quoted are left out; encodings are those of each message."""
    documents, _ = read(tmp_path, "a.eml", PLAIN)
    assert [(document.title, document.text) for document in documents] == [("Café", "The café was empty.\n\nIt was.")]
    box = "".join(f"From ann@example.org Mon Nov  2 10:00:00 2026\n{message}\n" for message in (PLAIN, PARTS))
    for name in ("mail.mbox", "Inbox"):
        documents, _ = read(tmp_path, name, box)
        assert [(document.title, document.text.strip()) for document in documents] == [
            ("Café", "The café was empty.\n\nIt was."),
            ("Two", "Nobody came."),
        ]


def test_a_dump_of_wikipedia_gives_its_articles(tmp_path: Path) -> None:
    """Templates, tables, references, files, categories, talk and redirects are left out; links give their text."""
    source = (
        "{{Infobox|name=x}}\n'''Storm''' is a [[weather|kind of weather]].&lt;ref&gt;A book&lt;/ref&gt;\n\n"
        "== Names ==\n[[Datei:Storm.jpg|mini|A storm]]\n* A [[storm]]\n\n{| class=wikitable\n| cell\n|}\n"
        "[[Kategorie:Weather]]"
    )
    page = (
        "<page><title>{}</title><ns>{}</ns><id>1</id>{}<revision><text xml:space='preserve'>{}</text></revision></page>"
    )
    dump = (
        "<mediawiki xmlns='http://www.mediawiki.org/xml/export-0.11/' xml:lang='de'><siteinfo><namespaces>"
        "<namespace key='6'>Datei</namespace><namespace key='14'>Kategorie</namespace></namespaces></siteinfo>"
        + page.format("Storm", 0, "", source)
        + page.format("Talk:Storm", 1, "", "no")
        + page.format("Tempest", 0, "<redirect title='Storm'/>", "no")
        + "</mediawiki>"
    )
    documents, _ = read(tmp_path, "dewiki.xml", dump)
    assert [document.title for document in documents] == ["Storm"]
    assert [line for line in documents[0].text.split("\n") if line.strip()] == [
        "Storm is a kind of weather.",
        "Names",
        "A storm",
    ]
    assert told(tmp_path, "dewiki.xml", dump).endswith("1 article; 2 talk pages, templates and redirects left out")


def test_other_xml_gives_a_line_for_each_paragraph(tmp_path: Path) -> None:
    """TEI, FictionBook and the like: a paragraph with marked words in it is one line; a file's description is none."""
    book = (
        '<?xml version="1.0" encoding="windows-1251"?><FictionBook><description><p>Made by Ann</p></description><body>'
        "<section><title><p>Ґанок</p></title><p>Дим <emphasis>був</emphasis> білий.</p></section></body>"
        "<binary>AAAA</binary></FictionBook>"
    )
    assert texts(tmp_path, "book.fb2", book.encode("cp1251")) == ["Ґанок\nДим був білий.\n"]


def test_a_notebook_gives_its_cells_and_not_their_outputs(tmp_path: Path) -> None:
    """Markdown and code, in order."""
    cells = [
        {"cell_type": "markdown", "source": ["# Storms\n", "\n", "They come."]},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["never read"]}], "execution_count": 1},
        {"cell_type": "raw", "source": "never read"},
    ]
    content = json.dumps({"cells": cells, "nbformat": 4, "metadata": {"kernelspec": {"name": "python3"}}})
    assert texts(tmp_path, "a.ipynb", content) == ["# Storms\n\nThey come.\n\nprint(1)\n"]
    assert told(tmp_path, "a.ipynb", content) == "a.ipynb: notebook, 2 cells; outputs left out"


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.md", "---\ntitle: Storms\ntags: [n0]\n---\n\n"),
        ("a.md", "+++\ntitle = 'x'\n+++\n"),
        ("a.markdown", "\ufeff---\n---\n"),
    ],
)
def test_front_matter_is_no_text(tmp_path: Path, name: str, head: str) -> None:
    """The settings before a note are left out; a rule between two paragraphs is not taken for their end."""
    note = "# Storms\n\nThey come.\n\n---\n\nand: go.\n"
    assert texts(tmp_path, name, head + note) == [note]
    assert texts(tmp_path, "b.md", "---\n\nA rule first.\n\n---\n\nThen more.\n") == [
        "---\n\nA rule first.\n\n---\n\nThen more.\n"
    ]


CODE = {
    "a.py": 'DATA = """\nid,text,label\n"""\n\n\ndef f(x: int) -> int:\n    return {"a": x}["a"]\n',
    "a.js": '{"use strict";\n  const a = [1, 2];\n}\n',
    "a.c": "#include <stdio.h>\nint main() {\n\treturn 0;\n}\n",
    "a.svelte": "<script>let a = 1;</script>\n<p>{a}</p>\n",
}


@pytest.mark.parametrize("name", CODE)
def test_source_code_stays_as_it_is(tmp_path: Path, name: str) -> None:
    """To the letter, and nothing is told of it."""
    documents, counts = read(tmp_path, name, CODE[name])
    assert [document.text for document in documents] == [CODE[name]]
    assert (counts.kinds, counts.readings) == ({"text": 1}, [])


PAGE = "<html><head><title>Storm</title></head><body><ul><li><a href='/'>Home</a></li></ul><p>{}</p></body></html>"
PAGES = {
    "a byte-order mark": ("a.html", b"\xef\xbb\xbf<!DOCTYPE html>" + PAGE.format(sentence(1)).encode()),
    "a comment first": (
        "a.html",
        b"<!-- saved from url=(0022)http://x/ -->\n<!DOCTYPE html>" + PAGE.format(sentence(1)).encode(),
    ),
    "no doctype": ("a", PAGE.format(sentence(1)).replace("<html>", "").encode()),
    "a piece of one": ("a.htm", f"<div><p>{sentence(1)}</p></div>".encode()),
    "UTF-16": ("a.htm", ("<!DOCTYPE html><meta charset='utf-8'>" + PAGE.format(sentence(1))).encode("utf-16")),
    "UTF-16 without a mark": ("a.htm", ("<!DOCTYPE html>" + PAGE.format(sentence(1))).encode("utf-16-le")),
}


@pytest.mark.parametrize(("name", "content"), PAGES.values(), ids=PAGES)
def test_a_page_is_a_page_however_it_begins(tmp_path: Path, name: str, content: bytes) -> None:
    """No tag reaches the text."""
    (document,), counts = read(tmp_path, name, content)
    assert sentence(1) in document.text and "<" not in document.text
    assert counts.kinds == {"web page": 1}


STORIES = [f"{sentence(n)}\n\n{sentence(n + 50)}" for n in range(8)]
SEPARATED = {
    "both markers": ("".join(f"<|startoftext|>{story}<|endoftext|>\n" for story in STORIES), {}),
    "lines of their own": ("\r\n<|endoftext|>\r\n".join(STORIES), {}),
    "in one line": ("<|endoftext|>".join(STORIES), {}),
    "the beginning alone": ("".join(f"<|startoftext|>\n{story}\n" for story in STORIES), {}),
    "a line that was asked for": ("\n---\n".join(STORIES), {"separator": "---"}),
    "a token that was asked for": ("</s>".join(STORIES), {"separator": "</s>"}),
}


@pytest.mark.parametrize(("content", "settings"), SEPARATED.values(), ids=SEPARATED)
def test_markers_stand_between_documents(tmp_path: Path, content: str, settings: dict[str, str]) -> None:
    """They are no text, wherever they stand; a text that tells of them is not cut."""
    assert list(filter(None, texts(tmp_path, "stories.txt", content, **settings))) == STORIES
    told_of = 'Write `<|endoftext|>` between them, or (<|endoftext|>), as in "<|endoftext|>".\nA line --- here.\n'
    assert texts(tmp_path, "a.txt", told_of, **dict.fromkeys(settings, "---")) == [
        told_of.rstrip("\n") if settings else told_of
    ]


def test_what_is_no_document_is_named(tmp_path: Path) -> None:
    """Encrypted, scanned, empty, damaged or made to harm: one reason each, and no document."""
    bomb = zipped({"[Content_Types].xml": "<a/>", "word/document.xml": b"<a>" + b"<b></b>" * 20_000_000})
    laughs = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;&b;</l>'
    outside = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>'
    files: dict[str, tuple[bytes | str, str]] = {
        "scan.pdf": (pdf([[], [], []]), "a PDF of scanned pages"),
        "cut.pdf": (pdf([[sentence(1)] * 5])[:200], "a damaged PDF file"),
        "bomb.docx": (bomb, "it expands to more than 300 times its size"),
        "empty.docx": (docx(""), "a document without text"),
        "cut.docx": (docx("<w:p>").replace(b"</w:p>", b""), "damaged: its XML cannot be read"),
        "laughs.xml": (laughs, "XML that declares entities of its own"),
        "outside.xml": (outside, "XML that declares entities of its own"),
        "deep.xml": ("<?xml version='1.0'?>" + "<a>" * 100_000, "nested too deeply"),
        "none.ipynb": ('{"cells": [], "nbformat": 4}', "a notebook without text"),
        "cut.ipynb": ('{"cells": [', "a notebook that is no JSON"),
        "none.json": ("Dear Ann, this is no JSON.\n", "no JSON, or damaged"),
        "deep.json": ('{"a":' * 100_000, "nested too deeply"),
        "deeper.json": ("[" * 100_000, ""),
        "numbers.json": ('{"a": [1, 2, 3]}', "without a column of text"),
        "none.srt": ("1\n00:00:01,000 --> 00:00:02,000\n\n", "subtitles without text"),
        "none.eml": ("From: a@b.c\nMIME-Version: 1.0\nContent-Type: image/png\n\nAAAA", "a message without text"),
        "old.doc": (b"\xd0\xcf\x11\xe0" + bytes(600), "an office document of a kind that is not read"),
    }
    for name, (content, reason) in files.items():
        documents, counts = read(tmp_path, name, content)
        assert not [document for document in documents if document.text.strip()], name
        assert counts.skipped and reason in counts.skipped[0].reason, (name, counts.skipped)
