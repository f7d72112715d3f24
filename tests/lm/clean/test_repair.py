# ruff: noqa: RUF001, RUF002  # quotes are what this is about
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.clean.config import CleanConfig
from lm.clean.hyphenation import join_hyphenated
from lm.clean.line_breaks import unify_line_breaks
from lm.clean.part_counts import CleaningCounts
from lm.clean.repair import repair_mojibake
from lm.clean.shard_cleaning import clean_text
from lm.clean.stage import clean
from lm.progress import silent
from tests.lm.clean.test_clean import raw_artifact, texts

MEANT = "“Don’t,” she said — that’s the café’s story…"


def damaged(text: str, times: int) -> str:
    """Text whose UTF-8 was read as Latin-1 so many times."""
    for _ in range(times):
        text = text.encode().decode("latin-1")
    return text


@pytest.mark.parametrize("times", [1, 2, 3])
def test_what_was_read_as_latin1_is_mended_with_its_controls(times: int) -> None:
    """`donâ\\x80\\x99t` becomes `don’t`: the controls in it are halves of characters, not thrown away before."""
    counts = CleaningCounts()
    assert clean_text(f"Plain.\n{damaged(MEANT, times)}\n", counts)[0] == f"Plain.\n{MEANT}\n"
    assert (counts.repaired_lines, counts.control_characters) == (1, 0)


def test_quotes_of_windows_are_mended_alone() -> None:
    """C1 controls that are cp1252's quotes, dashes and ellipses become these, even in a line by themselves."""
    text = MEANT.encode("cp1252").decode("latin-1")
    assert clean_text(text, CleaningCounts())[0] == MEANT
    assert clean_text("a\x96b", CleaningCounts())[0] == "a–b"


def test_repair_can_be_switched_off() -> None:
    """Then nothing is mended or joined, and controls are dropped."""
    counts = CleaningCounts()
    assert clean_text("har-\nbour, a harbour: donâ\x80\x99t", counts, repair=False, join=False)[0] == (
        "har-\nbour, a harbour: donât"
    )
    assert (counts.repaired_lines, counts.joined_words, counts.control_characters) == (0, 0, 2)


@pytest.mark.parametrize(
    ("text", "broken", "count"),
    [
        ("one\vtwo\vthree", "one\ntwo\nthree", 2),
        ("old\rMac\r\rtext", "old\nMac\n\ntext", 3),
        ("Windows\r\nends\r\n", "Windows\nends\n", 0),
        ("ends\r\r\ntwice", "ends\ntwice", 0),
        ("page\fpage", "page\npage", 1),
        ("a page ends\n\fwithin a sentence", "a page ends\nwithin a sentence", 1),
        ("line\u2028line\u2029paragraph", "line\nline\n\nparagraph", 2),
        ("next\x85line\x85", "next\nline\n", 2),
        ("\x93Well\x85\x94", "\x93Well\x85\x94", 0),  # an ellipsis of cp1252 among its quotes
    ],
)
def test_ends_of_lines_and_pages_stay_ends(text: str, broken: str, count: int) -> None:
    """Nothing that ends a line joins two sentences; a page that ends within a paragraph adds no empty line."""
    assert unify_line_breaks(text) == (broken, count)


HARBOUR = "They saw the harbour, and left it.\n\nThe ferryman walked to the har-\nbour for no reason.\n"


def test_a_broken_word_that_stands_whole_elsewhere_is_joined() -> None:
    """It is joined on the first line, with what is attached to it; the rest of the second line stays there."""
    assert join_hyphenated(HARBOUR) == (HARBOUR.replace("har-\nbour for", "harbour\nfor"), 1)
    assert join_hyphenated("A harbour. The HAR-\nBOUR, so\n  har-\n  bour.\n") == (
        "A harbour. The HARBOUR,\nso\n  harbour.\n", 2,
    )  # fmt: skip


def test_a_word_that_is_always_broken_is_joined_when_its_parts_are_none() -> None:
    """Several times `har-⏎bour` and never `har` or `bour`: one word; `well` and `known` are words."""
    scan = "On the har-\nbour wall.\n\n" * 3 + "A well-\nknown wall; all is well.\n\n" * 3
    assert join_hyphenated(scan) == (scan.replace("har-\nbour wall.", "harbour\nwall."), 3)


def test_a_soft_hyphen_at_a_line_end_says_so_itself() -> None:
    """No dictionary is needed."""
    assert join_hyphenated("a lan\u00ad\ntern") == ("a lantern", 1)


WINDHOVER = (
    "I caught this morning morning's minion, king-\n    dom of daylight's dauphin, dapple-dawn-drawn Falcon, in his "
    "riding\n    Of the rolling level underneath him steady air, and striding\nHigh there, how he rung upon the rein "
    "of a wimpling wing\n\nThe kingdom is a kingdom.\n"
)


@pytest.mark.parametrize(
    "text",
    [
        "A well-\nknown man, as well-known as wellknown.\n",
        "To-\nday is to-day; today is today.\n",
        "A mother-in-\nlaw, and inlaw inlaw.\n",
        "The harbour, not Har-\nBour.\n",
        "We sat in-\nside inside: in in in side side side.\n",
        "The harbour is seen; har-\n\nbour\n",
        "x = total-\ntax  # total, tax, tax, total, totaltax\n",
        "- har-\n- bour harbour\n",
        "har-\nbour",
        WINDHOVER,
    ],
)
def test_what_may_be_meant_is_not_joined(text: str) -> None:
    """Words with a hyphen elsewhere, two words, verse, code and lists stay as they are."""
    assert join_hyphenated(text) == (text, 0)


fragments = st.lists(
    st.sampled_from(
        [
            *"abé’–\x80\x93\x99\x85Ãâ\r\n\v\f\u2028\u2029\u00ad-¬ \0",
            "har-\n",
            "bour ",
            "harbour ",
            "â\x80\x99",
            "Ã©",
            "text",
        ]
    ),
    max_size=40,
).map("".join)


@settings(deadline=None, max_examples=300)
@given(fragments | st.text())
def test_cleaning_what_is_clean_changes_nothing(text: str) -> None:
    """Cleaned a second time, a text stays as it is and nothing is counted."""
    once, _ = clean_text(text, CleaningCounts())
    counts = CleaningCounts()
    again, _ = clean_text(once, counts)
    assert again == once
    assert (counts.repaired_lines, counts.line_breaks, counts.control_characters, counts.joined_words) == (0, 0, 0, 0)


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", exclude_characters="\r\v\f", exclude_categories=["Cc"]) | st.just("\n")))
def test_plain_text_is_left_alone(text: str) -> None:
    """ASCII without controls goes through untouched, but for broken words."""
    assert clean_text(text, CleaningCounts(), join=False)[0] == text
    assert repair_mojibake(text) == (text, 0)


def test_every_repair_is_told(tmp_path: Path) -> None:
    """The notes of a corpus name what was mended, broken and joined, and how often."""
    out = tmp_path / "out"
    out.mkdir()
    content = (HARBOUR + "one\vtwo\n" + damaged(MEANT, 1) + "\n") * 50
    metrics = clean(raw_artifact(tmp_path / "raw", {"a.txt": content.encode()}), CleanConfig(), out, silent)
    told = " ".join(metrics.notes)
    assert "50 lines that had been decoded wrongly were repaired" in told
    assert "50 vertical tabs, form feeds and the like became line ends" in told
    assert "50 words hyphenated at line ends were joined (clean.join_hyphenated)" in told
    assert "one\ntwo" in texts(out)["train"][0]
