"""Whether a text has collapsed into repetition: measures of one text, and a verdict beside human text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
import numpy.typing as npt

from lm.text.mean_degeneracy import MeanDegeneracy, Verdict

Codes = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]

WORD = re.compile(r"\w+|[^\w\s]+")
RULE = re.compile(r"([^\w\n])\1{3,}")  # spaces in a row, a ruled line: layout,
MAX_RULE = 120  # characters, unless longer than any line
NGRAM_LENGTHS = (1, 2, 3, 4)
LOOP_REPEATS = 3  # a stretch that stands at least so often in a row is a loop,
LOOP_CHARACTERS = 24  # if together they are at least so long (an ellipsis is none, a ruled line is)
MAX_PERIOD = 400
ENTROPY_HEALTHY, ENTROPY_COLLAPSED = 3.2, 1.0  # bits a character; English prose has 4.0 to 4.8
REP_4_HEALTHY, REP_4_COLLAPSED = 0.3, 0.8  # prose has below 0.1, reference manuals and tables reach 0.3
REP_2_HEALTHY, REP_2_COLLAPSED = 0.7, 1.0  # the same for word pairs: a handful of words in any order
REPETITIVE_SCORE, COLLAPSED_SCORE = 0.2, 0.5


@dataclass(frozen=True)
class Degeneracy:
    """Measures of one text; `score` is 0 for text as people write it and 1 for text that only repeats."""

    characters: int
    rep_n: tuple[float, ...]  # share of word n-grams that are repetitions of earlier ones, n = 1 to 4
    distinct_n: tuple[float, ...]  # 1 - rep_n
    longest_run: int  # characters: the longest run of one character, spaces left out
    loop_share: float  # share of the text inside loops
    loop_period: int | None  # characters: the length of what the longest loop repeats
    entropy_bits: float  # of single characters
    score: float
    verdict: Verdict


def degeneracy(text: str) -> Degeneracy:
    """Measure how far a text repeats itself.

    rep-n and distinct-n are those of Welleck et al. (arXiv 1908.04319) and Li et al. (arXiv 1510.03055), over words
    and punctuation marks. The score is the worst of four: the share of the text that stands in loops, repeated word
    pairs and word 4-grams, and the missing entropy of its characters; each is 0 where human prose lies. Runs of
    spaces and ruled lines count as one character there. Texts below a hundred characters say little.
    """
    words = WORD.findall(text)
    rep_n = tuple(repeated_share(words, length) for length in NGRAM_LENGTHS)
    codes, widths = _compact(text)
    loop_share, loop_period = loops(codes, widths)
    entropy = entropy_bits(codes)
    score = max(
        loop_share,
        _between(rep_n[1], REP_2_HEALTHY, REP_2_COLLAPSED),
        _between(rep_n[3], REP_4_HEALTHY, REP_4_COLLAPSED),
        _between(entropy, ENTROPY_HEALTHY, ENTROPY_COLLAPSED) if len(text) > LOOP_CHARACTERS else 0.0,
    )
    return Degeneracy(
        characters=len(text),
        rep_n=rep_n,
        distinct_n=tuple(1 - share for share in rep_n),
        longest_run=max((len(match[0]) for match in re.finditer(r"(\S)\1*", text)), default=0),
        loop_share=loop_share,
        loop_period=loop_period,
        entropy_bits=entropy,
        score=score,
        verdict=verdict(score),
    )


def verdict(score: float) -> Verdict:
    """Say a score in a word."""
    if score >= COLLAPSED_SCORE:
        return "collapsed"
    return "repetitive" if score >= REPETITIVE_SCORE else "healthy"


def repeated_share(words: Sequence[str], length: int) -> float:
    """Share of a text's n-grams of `length` words that stood in it before (rep-n)."""
    ngrams = list(zip(*(words[start:] for start in range(length)), strict=False))
    return 1 - len(set(ngrams)) / len(ngrams) if ngrams else 0.0


def loops(codes: Codes, widths: Rows) -> tuple[float, int | None]:
    """Share of the text inside loops, and the period of the longest.

    A loop is a stretch that repeats at once, LOOP_REPEATS times or more. codes: (characters,); widths: (characters,),
    how much of the text each of them stands for.
    """
    inside = np.zeros(len(codes), np.bool_)
    longest, longest_period = 0, None
    for period in range(1, min(MAX_PERIOD, len(codes) // LOOP_REPEATS) + 1):
        equal = np.concatenate([[False], codes[period:] == codes[:-period], [False]])
        edges = np.flatnonzero(equal[1:] != equal[:-1]).reshape(-1, 2)  # start, end of runs equal to `period` before
        for start, end in edges[np.diff(edges)[:, 0] >= (LOOP_REPEATS - 1) * period]:
            length = int(end - start) + period
            if length >= LOOP_CHARACTERS:
                inside[start : end + period] = True
                if length > longest:
                    longest, longest_period = length, period
    return float(widths[inside].sum() / widths.sum()) if len(codes) else 0.0, longest_period


def entropy_bits(codes: Codes) -> float:
    """Entropy of single characters, in bits."""
    share = np.unique(codes, return_counts=True)[1] / max(len(codes), 1)
    return float(-(share * np.log2(share)).sum()) if len(codes) else 0.0


def summary(texts: Iterable[str]) -> MeanDegeneracy:
    """Mean measures of several texts, and the verdict on their mean score."""
    measures = [degeneracy(text) for text in texts]
    if not measures:
        return {"texts": 0}
    score = mean(measure.score for measure in measures)
    rep = [round(mean(shares), 4) for shares in zip(*(measure.rep_n for measure in measures), strict=True)]
    distinct = [round(mean(shares), 4) for shares in zip(*(measure.distinct_n for measure in measures), strict=True)]
    return {
        "texts": len(measures),
        "characters": round(mean(measure.characters for measure in measures), 1),
        "rep_1": rep[0],
        "rep_2": rep[1],
        "rep_3": rep[2],
        "rep_4": rep[3],
        "distinct_1": distinct[0],
        "distinct_2": distinct[1],
        "distinct_3": distinct[2],
        "distinct_4": distinct[3],
        "longest_run": max(measure.longest_run for measure in measures),
        "loop_share": round(mean(measure.loop_share for measure in measures), 4),
        "entropy_bits": round(mean(measure.entropy_bits for measure in measures), 3),
        "score": round(score, 4),
        "verdict": verdict(score),
    }


def _compact(text: str) -> tuple[Codes, Rows]:
    """The text's characters with every rule as one of them, and how many each stands for: (characters,) twice."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    widths = np.ones(len(codes), np.int64)
    for rule in RULE.finditer(text):
        if len(rule[0]) <= MAX_RULE:
            widths[rule.start()] = len(rule[0])
            widths[rule.start() + 1 : rule.end()] = 0
    return codes[widths > 0], widths[widths > 0]


def _between(value: float, healthy: float, collapsed: float) -> float:
    """Where a value lies from the healthy bound (0) to the collapsed one (1)."""
    return min(max((value - healthy) / (collapsed - healthy), 0.0), 1.0)
