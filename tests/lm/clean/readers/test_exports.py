"""What people bring from other programs is read for what they wrote in it, or named as no text: never as markup."""

import html
import json
import time
from pathlib import Path

import pytest

from lm.clean.readers.registry import recognise
from tests.lm.clean.readers.exported_files import NOT_READ, READ, S
from tests.lm.clean.readers.made_files import zipped
from tests.lm.clean.readers.reading import read, texts, told
from tests.lm.clean.readers.sentences import sentence


@pytest.mark.parametrize(("name", "content", "expected", "how"), READ, ids=[case[0] for case in READ])
def test_what_other_programs_export_is_read_for_its_text(
    tmp_path: Path, name: str, content: str | bytes, expected: list[str], how: str
) -> None:
    """The text is what was written, to the letter; and how the file was read is said."""
    assert texts(tmp_path, name, content) == expected
    assert how in told(tmp_path, name, content)


@pytest.mark.parametrize(("name", "content", "reason"), NOT_READ, ids=[case[0] for case in NOT_READ])
def test_what_holds_no_text_is_named(tmp_path: Path, name: str, content: str | bytes, reason: str) -> None:
    """One line, and nothing of it is trained on."""
    documents, counts = read(tmp_path, name, content)
    assert not any(document.text for document in documents)
    assert [skipped.reason for skipped in counts.skipped] == [reason]


def test_a_notion_export_is_pages_and_tables(tmp_path: Path) -> None:
    """Pages stay Markdown; a table is read by its column of text; pictures are named."""
    rows = "".join(f'Day {n},"{S[n]}",todo\n' for n in range(5))
    export = zipped(
        {"A 0123.md": f"# A\n\n{S[0]}\n", "B 4567.csv": f"Name,Text,Status\n{rows}", "a.png": b"\x89PNG\r\n"}
    )
    documents, counts = read(tmp_path, "Export-1.zip", export)
    assert [document.text for document in documents] == [f"# A\n\n{S[0]}\n", *S[:5]]
    assert [skipped.reason for skipped in counts.skipped] == ["an image"]


def test_json_with_numbers_that_json_has_not_is_read(tmp_path: Path) -> None:
    """Python and R write NaN and Infinity: they are no reason to lose a file, and stay where a text says them."""
    rows = [
        {"body": f'{sentence(n)} NaN, "-Infinity" \\', "score": float("nan"), "rank": -float("inf")} for n in range(300)
    ]
    for content in (json.dumps(rows), json.dumps({"posts": rows, "more": float("inf")})):
        assert "NaN" in content and "-Infinity" in content
        assert texts(tmp_path, "posts.json", content) == [row["body"] for row in rows]


def test_a_json_document_that_was_cut_gives_what_is_there(tmp_path: Path) -> None:
    """A download that broke off loses its last message, not all of them; and that is said."""
    whole = json.dumps({"name": "x", "entries": [{"text": text} for text in S]})
    documents, counts = read(tmp_path, "cut.json", whole[: whole.index(S[10])])
    assert [document.text for document in documents] == S[:10]
    assert "what precedes the damage was read" in counts.skipped[0].reason


def test_of_several_lists_in_a_json_document_the_others_are_named(tmp_path: Path) -> None:
    """The one with most text is read; what else holds text is not left out without a word."""
    lists = {"train": [{"text": text} for text in S], "test": [{"text": text} for text in S[:3]], "tags": ["a", "b"]}
    assert texts(tmp_path, "set.json", json.dumps(lists)) == S
    assert told(tmp_path, "set.json", json.dumps(lists)).endswith("12 rows; 1 other list left out: test")


def test_markup_in_a_feed_is_text_as_a_reader_sees_it(tmp_path: Path) -> None:
    """Atom's content is escaped HTML, its settings are no entries."""
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title>'
        '<entry><category term="x#post"/><title>One</title>'
        f'<content type="html">{html.escape(f"<p>{S[0]}</p>")}</content></entry>'
        '<entry><category term="http://a.example#settings"/><title>BLOG_NAME</title><content>x</content></entry></feed>'
    )
    assert texts(tmp_path, "blog.atom", atom) == [f"One\n\n{S[0]}"]


@pytest.mark.parametrize(
    "head",
    ["\n" * 60_000, " " * 60_000, "-" * 60_000, "<!-- a -->\n" * 6_000, "<!--" * 15_000, "a: b\n" * 12_000,
     "[00:00.00]" * 6_000],
    ids=["lines", "spaces", "dashes", "comments", "open comments", "settings", "times"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.xml", "a.org", "a.csv", "a.1", "a"])
def test_no_beginning_of_a_file_makes_its_format_hard_to_find(name: str, head: str) -> None:
    """Patterns that try again and again would take minutes for a file that was made to."""
    began = time.process_time()
    recognise(name, "text", head)
    assert time.process_time() - began < 1
