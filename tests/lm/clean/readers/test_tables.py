"""Tables: the columns that carry the text are found by what is in them, and everything else stays out."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from lm.clean.readers.csv_tables import MAX_LINE
from tests.lm.clean.readers.reading import read, texts, told
from tests.lm.clean.readers.sentences import sentence

ROWS = 60


def tweets() -> list[dict[str, Any]]:
    """Rows as a service exports them."""
    return [
        {
            "id": str(11 * 10**17 + 7919 * number),
            "created_at": f"2021-05-{number % 28 + 1:02}T12:00:00+00:00",
            "author": f"Ann Baker {number % 7}",
            "address": f"{number} Baker Street, London",
            "lang": "en",
            "body": f'{sentence(number)}\n"So they say", she added.',
            "url": f"https://example.org/status/{number}",
            "retweets": number * 3,
        }
        for number in range(ROWS)
    ]


def written(rows: list[dict[str, Any]], encoding: str = "utf-8", **form: Any) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]), **form)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode(encoding)


@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        ("utf-8", {}),
        ("utf-8-sig", {"delimiter": ";"}),
        ("utf-16", {"delimiter": "\t"}),
        ("utf-8", {"delimiter": "|", "quoting": csv.QUOTE_ALL}),
        ("utf-8", {"doublequote": False, "escapechar": "\\"}),
    ],
)
def test_each_form_of_a_table_gives_a_document_a_row(tmp_path: Path, encoding: str, form: dict[str, Any]) -> None:
    """Ids, dates, names, addresses and counts are left out and named, whatever sets the values apart."""
    content = written(tweets(), encoding, **form)
    assert texts(tmp_path, "export.csv", content) == [row["body"] for row in tweets()]
    assert told(tmp_path, "export.csv", content) == (
        f"export.csv: table, column body, {ROWS} rows; "
        "7 columns left out: id, created_at, author, address, lang, url, retweets"
    )


def test_a_table_as_excel_writes_it_in_german(tmp_path: Path) -> None:
    """Semicolons, cp1252, a line for the separator; the lyrics are the text, and artist and title are not."""
    rows = [
        {"Künstler": f"Die Bänd {n}", "Titel": f"Ein Lied {n}", "Text": f"{sentence(n)}\nÜber die Brücke"}
        for n in range(30)
    ]
    content = b"sep=;\r\n" + written(rows, "cp1252", delimiter=";")
    assert texts(tmp_path, "songs.csv", content) == [row["Text"] for row in rows]


def test_columns_can_be_asked_for(tmp_path: Path) -> None:
    """What is asked for is the text, in that order; a name that is not there is answered with those that are."""
    content = written(tweets())
    (first, *_) = texts(tmp_path, "a.csv", content, text_columns=("Body", "author"))
    assert first == f'{sentence(0)}\n"So they say", she added.\n\nAnn Baker 0'
    assert told(tmp_path, "a.csv", content, text_columns=("words",)) == (
        "a table without a column words (it has id, created_at, author, address, lang, body, url, retweets; "
        "see clean.text_columns)"
    )


def test_tables_without_a_header_or_with_loose_commas(tmp_path: Path) -> None:
    """A first row of text is text; commas that nobody quoted belong to the last column, or to the only one."""
    messages = [("ham" if n % 3 else "spam", sentence(n)) for n in range(40)]
    assert texts(tmp_path, "sms.tsv", "".join(f"{label}\t{text}\n" for label, text in messages)) == [
        text for _, text in messages
    ]
    assert texts(tmp_path, "messages", "".join(f"{label}\t{text}\n" for label, text in messages))[0] == messages[0][1]
    loose = "id,text\n" + "".join(f"{n},{sentence(n)}\n" for n in range(40))
    assert texts(tmp_path, "loose.csv", loose) == [sentence(n) for n in range(40)]
    alone = "text\n" + "".join(f"{sentence(n)}\n" for n in range(40))
    assert texts(tmp_path, "alone.csv", alone) == [sentence(n) for n in range(40)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("id,price\n" + "".join(f"{n},{n * 3.5}\n" for n in range(50)), "without a column of text (it has id, price;"),
        ("id,body\n1," + "word " * (MAX_LINE // 5 + 10), "longer than 16 million characters"),
        ("", "an empty file"),
    ],
)
def test_a_table_that_is_none_is_named(tmp_path: Path, content: str, reason: str) -> None:
    """Nothing of it becomes a document."""
    documents, counts = read(tmp_path, "bad.csv", content)
    assert documents == [] and reason in counts.skipped[0].reason


SHAPES: dict[str, tuple[list[Any], list[str]]] = {
    "lyrics, the first row empty": (
        [
            {"artist": f"The Band {n}", "song": f"A very long evening {n}", "lyrics": sentence(n) * (n > 0)}
            for n in range(30)
        ],
        [sentence(n) * (n > 0) for n in range(30)],
    ),
    "turns of a chat": (
        [
            {"messages": [{"role": "user", "content": sentence(n)}, {"role": "assistant", "content": "Yes."}], "id": n}
            for n in range(9)
        ],
        [f"user: {sentence(n)}\nassistant: Yes." for n in range(9)],
    ),
    "turns of ShareGPT": (
        [
            {"id": f"x{n}", "conversations": [{"from": "human", "value": sentence(n)}, {"from": "gpt", "value": "No."}]}
            for n in range(9)
        ],
        [f"human: {sentence(n)}\ngpt: No." for n in range(9)],
    ),
    "instructions": (
        [{"instruction": sentence(n), "input": "" if n % 2 else "Here.", "output": sentence(n + 50)} for n in range(9)],
        ["\n\n".join(filter(None, (sentence(n), "" if n % 2 else "Here.", sentence(n + 50)))) for n in range(9)],
    ),
    "prompts": (
        [{"prompt": sentence(n), "completion": "Paris"} for n in range(9)],
        [f"{sentence(n)}\n\nParis" for n in range(9)],
    ),
    "questions": (
        [{"question": sentence(n), "answer": "42", "level": "easy"} for n in range(9)],
        [f"{sentence(n)}\n\n42" for n in range(9)],
    ),
    "translations": (
        [{"translation": {"en": sentence(n), "de": f"Und so ging {sentence(n)}"}} for n in range(9)],
        [f"{sentence(n)}\n\nUnd so ging {sentence(n)}" for n in range(9)],
    ),
    "a title beside the text": (
        [{"title": f"Of {n} things", "text": sentence(n)} for n in range(9)],
        [sentence(n) for n in range(9)],
    ),
    "a column called text that holds labels": (
        [{"text": ("positive", "negative")[n % 2], "remark": sentence(n)} for n in range(30)],
        [sentence(n) for n in range(30)],
    ),
    "a remark that few rows have": (
        [{"line": sentence(n), "remark": sentence(n) * 5 if n == 3 else ""} for n in range(60)],
        [sentence(n) for n in range(60)],
    ),
    "Chinese": (
        [{"编号": n, "正文": f"吾輩は猫である。名前はまだ無い。{n}"} for n in range(9)],
        [f"吾輩は猫である。名前はまだ無い。{n}" for n in range(9)],
    ),
    "rows of other shapes": (
        [*({"text": sentence(n)} for n in range(5)), {"content": sentence(6)}],
        [*(sentence(n) for n in range(5)), sentence(6)],
    ),
    "DNA": (
        [{"id": n, "sequence": "ACGT" * 30 + "A" * n} for n in range(9)],
        ["ACGT" * 30 + "A" * n for n in range(9)],
    ),
}


def test_html_in_a_column_is_no_text(tmp_path: Path) -> None:
    """Reviews of a web site lose their tags, a page of source code keeps them; a `<` that is none stays."""
    reviews = "".join(f'"{sentence(n)}<br /><br />It was <i>5 < 6</i> &amp; so.",good\n' for n in range(30))
    assert texts(tmp_path, "a.csv", f"review,label\n{reviews}")[0] == f"{sentence(0)}\n\nIt was 5 < 6 & so."
    assert ", column review without its HTML, 30 rows" in told(tmp_path, "a.csv", f"review,label\n{reviews}")
    pages = "\n".join(json.dumps({"content": f"<html><p>{sentence(n)}</p></html>"}) for n in range(9))
    assert texts(tmp_path, "a.jsonl", pages)[0] == f"<html><p>{sentence(0)}</p></html>"


def test_text_deep_in_a_document_is_found(tmp_path: Path) -> None:
    """Paragraphs in lists of lists, as data sets of questions have them; places on a map are none."""
    data = [
        {"title": f"T{n}", "paragraphs": [{"context": sentence(n), "qas": [{"id": "5a", "n": 1}]}]} for n in range(5)
    ]
    assert texts(tmp_path, "a.json", json.dumps({"version": "1", "data": data})) == [sentence(n) for n in range(5)]
    places = [{"type": "Feature", "properties": {"name": f"P{n}"}} for n in range(9)]
    assert texts(tmp_path, "a.geojson", json.dumps({"type": "FeatureCollection", "features": places})) == []


@pytest.mark.parametrize(("rows", "expected"), SHAPES.values(), ids=SHAPES)
def test_rows_of_json_give_all_columns_of_text(tmp_path: Path, rows: list[Any], expected: list[str]) -> None:
    """As lines and as one array: all columns that carry text, in their order, and nothing else."""
    assert texts(tmp_path, "rows.jsonl", "\n".join(map(json.dumps, rows))) == expected
    assert texts(tmp_path, "rows.json", json.dumps(rows)) == expected
    assert texts(tmp_path, "rows.json", json.dumps({"version": 1, "data": rows}, indent=1)) == expected
