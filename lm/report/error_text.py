"""The sentences about where a model errs: how far its seeds differ, how sure it is, what it gains from context."""

from collections.abc import Sequence
from math import log, sqrt

from lm.evaluate.result import CalibrationReport, TokensOfContext
from lm.report.run_facts import RunFacts
from lm.runs.seeds import BITS

LN2 = log(2)
CHANCE = 2 * sqrt(2)  # standard deviations: a difference of two has √2 of one's, and 95 % lie within two of them
WELL_CALIBRATED = 0.02
MIN_TOKENS = 30  # of a frequency: the mean of fewer says little
NEAR = 0.05  # of all that context gains: what is left to gain is little


def seeds_text(facts: RunFacts) -> str:
    """What the spread between seeds means for a comparison."""
    bits = next((row for row in facts.spread if row.name == BITS), None)
    if bits is None:
        return ""
    text = (
        f"{len(bits.values)} models were trained that differ only in their seed: in their first weights, and in the "
        f"order in which they read the text. Their bits per byte have a standard deviation of {bits.deviation:.3f}, as "
        f"far as so few models can tell. Two runs of one seed each that differ by less than "
        f"{CHANCE * bits.deviation:.2g} may differ by chance alone."
    )
    if bits.ensemble is not None:
        better = min(bits.values) - bits.ensemble
        how = f"{better:.3f} fewer than the best of them" if better > 0 else "not fewer than the best of them"
        text += f" Together, as the mean of their probabilities, they need {bits.ensemble:.3f} bits per byte: {how}."
    return text


def confidence_text(calibration: CalibrationReport) -> str:
    """Whether the model's probabilities can be believed."""
    bins, error = calibration["bins"], calibration["expected_calibration_error"]
    tokens = sum(row["tokens"] for row in bins)
    excess = sum((row["confidence"] - row["accuracy"]) * row["tokens"] for row in bins) / max(tokens, 1)
    points = f"{100 * error:.1f} percentage points"
    if error < WELL_CALIBRATED:
        said = f"Yes: how sure it is and how often it is right differ by {points} on average"
    elif abs(excess) < error / 2:
        said = f"Not everywhere: how sure it is and how often it is right differ by {points} on average"
    else:
        said = f"It is too {'sure of itself' if excess > 0 else 'cautious'}, by {points} on average"
    return f"{said} (expected calibration error). The larger a point, the more tokens."


def context_text(rows: Sequence[TokensOfContext]) -> str:
    """How much of the window the model makes use of."""
    if len(rows) < 2:
        return ""
    first, last = rows[0]["nats_per_token"], rows[-1]["nats_per_token"]
    useful = next((row for row in rows if row["nats_per_token"] <= last + NEAR * max(first - last, 0)), rows[-1])
    text = (
        f"A token costs {first / LN2:.1f} bits where the model has read one token before it, and {last / LN2:.1f} bits "
        f"where it has read {rows[-1]['most_read']:,}."
    )
    if useful is not rows[-1]:
        text += f" Beyond {useful['most_read']:,} tokens, more context helps little."
    return f"{text} The band is the 95\N{NO-BREAK SPACE}% interval."


def frequency_text() -> str:
    """What the model knows beyond how often a token comes."""
    return (
        "The dotted line is the cost of a token for a method that knows only how often the token occurs in the "
        "training text. Where the model lies below that line, it uses the words before the token. Groups of fewer than "
        f"{MIN_TOKENS} tokens are not drawn."
    )


def token_text(text: str) -> str:
    """A token as it can be seen."""
    if "\N{REPLACEMENT CHARACTER}" in text:
        return "a part of a character"
    return text.replace("\n", "↵").replace(" ", "␣") if text.isspace() or not text else text
