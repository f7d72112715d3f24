"""What `evaluation.json` holds."""

from typing import TypedDict, cast

from lm.store.artifacts import Artifact
from lm.text.mean_degeneracy import MeanDegeneracy

EVALUATION_FILE = "evaluation.json"


class ResampledUnits(TypedDict):
    """What the bootstrap draws from the held-out text."""

    unit: str  # document, or block where there are few documents
    units: int


class Comparison(TypedDict):
    """A baseline beside the model, over the same held-out text."""

    bits_per_byte: float
    nats_per_byte: float
    model_minus_this: float  # bits per byte; below 0: the model is better
    model_minus_this_ci95: list[float] | None  # 95 % interval; null where there is too little text


class BitsReport(TypedDict):
    """Loss on the whole held-out split, of the model and of the baselines."""

    bits_per_byte: float  # of the original text; lower is better
    ci95: list[float] | None  # 95 % interval in bits per byte; null where there is too little text
    ci95_units: ResampledUnits
    nats_per_byte: float
    perplexity_per_token: float
    bytes: int  # of held-out text
    tokens: int  # of held-out text
    documents: int  # held out
    baselines: dict[str, Comparison]  # by name: 5-gram, unigram, compressors
    verdict: str  # on the n-gram, in words


class BaselineText(TypedDict):
    """Which text the baselines were fitted on."""

    training_bytes: int
    ngram_bytes: int  # of them, that the n-grams are counted in
    compressor_bytes: int  # of them, that the compressors read
    compressed_heldout_bytes: int
    note: str


class SampledRepetition(MeanDegeneracy, total=False):
    """How repetitive the model's samples are at one temperature, beside as much human text."""

    temperature: float
    human: MeanDegeneracy  # of held-out text of this length


class RepetitionReport(TypedDict):
    """How repetitive the model's samples are, beside human text."""

    verdict: str  # healthy, repetitive or collapsed, at the usual temperature
    score: float  # 0: as people write, 1: only repeats
    temperature: float  # of the verdict
    samples: list[SampledRepetition]  # at each temperature
    human: MeanDegeneracy  # of held-out text of this length


class CalibrationBin(TypedDict):
    """Tokens of about equal confidence."""

    confidence: float  # mean probability of the likeliest token
    accuracy: float  # how often the likeliest token came
    tokens: int


class CalibrationReport(TypedDict):
    """Whether the model is as sure as it is right."""

    expected_calibration_error: float  # mean distance between confidence and accuracy
    accuracy: float  # share of tokens that were the likeliest one
    bins: list[CalibrationBin]


class TokensOfFrequency(TypedDict):
    """Held-out tokens that are about equally frequent in the training text."""

    least_count: int  # in the training text that was counted; the next row begins at twice as many
    tokens: int
    nats_per_token: float
    by_count_alone: float  # nats per token of a model that knows nothing but the counts


class HardToken(TypedDict):
    """A token that the model predicts badly."""

    token: int  # id
    text: str
    occurrences: int
    nats_per_token: float


class TokensOfContext(TypedDict):
    """Held-out tokens before which the model has read about equally many."""

    least_read: int  # tokens
    most_read: int  # tokens
    tokens: int
    nats_per_token: float
    ci95: tuple[float, float] | None  # 95 % interval of nats_per_token


class Evaluation(BitsReport):
    """Everything that is measured of one model."""

    schema_version: int
    context: int  # tokens that the model reads at once
    precision: str  # bf16 or fp32
    baseline_text: BaselineText
    degeneracy: RepetitionReport
    calibration: CalibrationReport
    by_frequency: list[TokensOfFrequency]
    hardest_tokens: list[HardToken]
    by_tokens_read: list[TokensOfContext]
    by_document: list[dict[str, str | float]]  # document_id, source, title, bytes, tokens, bits_per_byte, the n-gram's


def read_evaluation(evaluate: Artifact) -> Evaluation:
    """Read an evaluation. Those of earlier versions lack what came later. Raises Damaged."""
    return cast(Evaluation, evaluate.read_json(EVALUATION_FILE))
