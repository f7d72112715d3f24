"""Words that were hyphenated at line ends, as scans and PDFs have them, joined where the text itself says so."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

SOFT_HYPHEN = "\u00ad"
MIN_BROKEN = 3  # times that a word is broken where it never stands whole
FEW_WORDS = 50  # different ones, each of which is faster looked for than all words of a text are counted
MAX_WORD = 64  # characters
# Lines around the broken one, by which verse is known: how many are looked at, and at least.
VERSE_LINES, MIN_VERSE_LINES, VERSE_CHARACTERS = 8, 2, 1000
CAPITAL_SHARE = 0.7
_LINE_END = re.compile("- ?\n|[\u2010\u00ac\u00ad]\n")
_HEAD = re.compile("(?<![-'\u2019.@/\\\\])(?<!\\w)([^\\W\\d_]{2,})\\Z")
# The other half begins with a small letter, or all are capitals; what follows it up to a space moves up with it.
_TAIL = re.compile(r"([ \t]*)([^\W\d_]{2,})(?![-\w])(\S{0,40})(?!\S)[ \t]*(\n|\Z)?")
_WORD = re.compile("[^\\W\\d_]+(?:[-\u2010][^\\W\\d_]+)*")
_BEFORE_CAPITAL = "\"'“‘«("  # noqa: RUF001


class _Break(NamedTuple):
    """A word in two halves: text[start:end] is the first one's hyphen up to where the text goes on."""

    start: int
    end: int
    head: str
    tail: str
    moved: str  # all that goes to the first line
    goes_on: str  # what stands between that and the rest
    is_soft: bool

    @property
    def halves(self) -> tuple[str, str]:
        """As words are compared."""
        return self.head.casefold(), self.tail.casefold()


class _Words(NamedTuple):
    """How often a text has each word, and each pair of halves at line ends, which are no words themselves."""

    counts: Counter[str]
    broken: Counter[tuple[str, str]]

    def allow(self, head: str, tail: str) -> bool:
        """Whether head and tail are one word, and not two that a hyphen joins.

        That is a word that stands whole elsewhere, oftener than a part of it; or one that is broken several times and
        whose parts are no words of this text. What has its hyphen within a line too keeps it.
        """
        if self.counts[f"{head}-{tail}"] or self.counts[f"{head}\u2010{tail}"]:
            return False
        if whole := self.counts[head + tail]:
            return whole > min(self.counts[head], self.counts[tail])
        return self.broken[head, tail] >= MIN_BROKEN and not self.counts[head] and not self.counts[tail]


def join_hyphenated(text: str) -> tuple[str, int]:
    """Return the text with such words joined at the end of the first line, and how many these were.

    Verse is left as it is. Takes next to no time where no line ends with a hyphen.
    """
    joined = 0
    while _has_hyphen_at_end(text):  # what is joined may say more of the rest
        text, count = _joined_once(text)
        if not count:
            break
        joined += count
    return text, joined


def _has_hyphen_at_end(text: str) -> bool:
    """Whether a line may end with a hyphen: looked for by single characters, which is far faster than by two."""
    others = () if text.isascii() else (hyphen for hyphen in "\u2010\u00ac\u00ad" if hyphen in text)
    return any(_ends_a_line(text, hyphen) for hyphen in ("-", *others))


def _ends_a_line(text: str, hyphen: str) -> bool:
    place = text.find(hyphen)
    while place >= 0:
        if text.startswith(("\n", " \n"), place + 1):
            return True
        place = text.find(hyphen, place + 1)
    return False


def _joined_once(text: str) -> tuple[str, int]:
    breaks = list(_breaks(text))
    folded = text.casefold()
    broken = Counter(each.halves for each in breaks)
    if len(broken) <= FEW_WORDS:
        broken = Counter({halves: n for halves, n in broken.items() if n >= MIN_BROKEN or "".join(halves) in folded})
    candidates = [each for each in breaks if each.is_soft or each.halves in broken]
    if not candidates:
        return text, 0
    counts = Counter(_WORD.findall(folded))
    for each in breaks:
        counts.subtract(each.halves)
    words = _Words(counts, broken)
    joined = [e for e in candidates if (e.is_soft or words.allow(*e.halves)) and not _is_verse(text, e)]
    pieces, end = list[str](), 0
    for each in joined:
        pieces += [text[end : each.start], each.moved, each.goes_on]
        end = each.end
    return "".join([*pieces, text[end:]]), len(joined)


def _breaks(text: str) -> Iterator[_Break]:
    end = 0
    for match in _LINE_END.finditer(text):
        head = _HEAD.search(text[max(end, match.start() - MAX_WORD) : match.start()])
        tail = _TAIL.match(text, match.end())
        if head and tail and (tail[2][0].islower() or (head[1].isupper() and tail[2].isupper())):
            goes_on = "\n" + tail[1] if tail[4] is None else tail[4]
            end = tail.end()
            yield _Break(match.start(), end, head[1], tail[2], tail[2] + tail[3], goes_on, match[0][0] == SOFT_HYPHEN)


def _is_verse(text: str, broken: _Break) -> bool:
    """Whether most lines around begin with a capital, as those of a poem do: those that follow a line of its stanza."""
    before = text[max(broken.start - VERSE_CHARACTERS, 0) : broken.start].rpartition("\n\n")[2]
    after = text[broken.end : broken.end + VERSE_CHARACTERS].partition("\n\n")[0]
    lines = [*before.split("\n")[1:][-VERSE_LINES:], *after.split("\n")[1:][:VERSE_LINES]]
    first = [stripped.lstrip(_BEFORE_CAPITAL)[:1] for line in lines if (stripped := line.strip())]
    capitals = sum(letter.isupper() for letter in first)
    return len(first) >= MIN_VERSE_LINES and capitals > CAPITAL_SHARE * len(first)
