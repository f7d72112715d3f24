"""What `degeneracy.py` says of several texts, for its readers: light."""

from typing import Literal, TypedDict

Verdict = Literal["healthy", "repetitive", "collapsed"]


class MeanDegeneracy(TypedDict, total=False):
    """Means of `Degeneracy` over several texts, and the verdict on their mean score. Of no texts, only their number."""

    texts: int
    characters: float
    rep_1: float  # share of words that are repetitions of earlier ones
    rep_2: float  # of pairs of words
    rep_3: float
    rep_4: float
    distinct_1: float  # 1 - rep_1, and so on
    distinct_2: float
    distinct_3: float
    distinct_4: float
    longest_run: int  # characters: the longest run of one character in any of them
    loop_share: float  # of the text inside loops
    entropy_bits: float  # of single characters
    score: float  # 0: as people write, 1: only repeats
    verdict: Verdict
