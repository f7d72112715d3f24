"""Training a tokenizer: choose a sample, an alphabet, let sentencepiece find the pieces, then fix up its model."""

import io
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Any

import sentencepiece

from lm.errors import BadInput
from lm.text.spread_sample import spread_sample
from lm.tokenizer.kinds import Kind
from lm.tokenizer.special_tokens import (
    BOUNDARY_ID,
    BOUNDARY_PIECE,
    BYTE_VOCAB_SIZE,
    MIN_VOCAB_SIZE,
    OWN_SYMBOLS,
    RESERVED_PIECES,
    UNKNOWN_ID,
)
from lm.tokenizer.tokenizer import SPACE, WORD, ModelProto, escape

DEFAULT_VOCAB_SIZE = 1024
DEFAULT_SAMPLE_BYTES = 5_000_000
ALPHABET_COVERAGE = 0.9995  # of the characters; the rarer ones become bytes
ALPHABET_SHARE = 0.75  # of the pieces; the rest is left for longer ones
MAX_WORD = 64  # characters; sentencepiece refuses very long ones
SCORE_STEP = 1 / 64  # sums of 4,096 scores are then exact in float32, so every reader finds the same best pieces
TRAINING_THREADS = 4  # the sums of unigram training depend on it, so it is not the machine's number of cores
UNTRAINABLE = frozenset(map(chr, range(32))) | {"<", "\u2585"}  # U+2585: sentencepiece drops the sentence


def train_tokenizer(
    texts: Iterable[str],
    kind: Kind = "bpe",
    vocab_size: int = DEFAULT_VOCAB_SIZE,
    *,
    sample_bytes: int = DEFAULT_SAMPLE_BYTES,
    shrink: bool = False,
) -> bytes:
    """Train a tokenizer on texts and return its sentencepiece model; the same texts give the same bytes.

    At most `sample_bytes` of the texts (UTF-8) are kept and trained on, spread evenly over all of them. A `byte`
    tokenizer has BYTE_VOCAB_SIZE pieces whatever the texts are, and whatever was asked for.

    Raises BadInput when the texts cannot support `vocab_size` pieces, unless it may `shrink`; when it is too small
    to hold the 256 bytes; and when the texts hold nothing to train on.
    """
    if kind == "byte":
        deque(texts, maxlen=0)
        return _serialized(_byte_model())
    if vocab_size < MIN_VOCAB_SIZE:
        raise BadInput(
            f"a vocabulary of {vocab_size} tokens is too small: every byte needs one, so ask for {MIN_VOCAB_SIZE} or "
            "more"
        )
    sample = [escape(stretch) for stretch in spread_sample(texts, sample_bytes)]
    if not sample:
        raise BadInput("there is no text to train a tokenizer on: give more text")
    model = _fix_up(_run_trainer(sample, kind, vocab_size), kind)
    if len(model.pieces) < vocab_size and not shrink:
        largest = _largest(sample, kind, len(model.pieces))
        raise BadInput(
            f"the training text supports at most {largest} tokens in a {kind} vocabulary, {vocab_size} were asked for: "
            "ask for fewer, or leave the size out to have it chosen"
        )
    return _serialized(model)


def _serialized(model: Any) -> bytes:
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def _byte_model() -> Any:
    """A tokenizer of characters that knows but the space and its own symbols: all others become their bytes."""
    model = _fix_up(_run_trainer([" "], "char", MIN_VOCAB_SIZE), "char")
    assert len(model.pieces) == BYTE_VOCAB_SIZE, [piece.piece for piece in model.pieces]
    assert SPACE in (piece.piece for piece in model.pieces)
    return model


def _largest(sample: list[str], kind: Kind, vocab_size: int) -> int:
    """The first size from `vocab_size` downwards that training reaches: fewer pieces leave less room for characters."""
    while (reached := len(_fix_up(_run_trainer(sample, kind, vocab_size), kind).pieces)) < vocab_size:
        vocab_size = reached
    return vocab_size


def _run_trainer(sample: list[str], kind: Kind, vocab_size: int) -> bytes:
    pieces = vocab_size - RESERVED_PIECES
    share = ALPHABET_SHARE if kind in ("bpe", "unigram") else 1
    sentences = _sentences(sample, max(2, int(pieces * share)))
    if kind == "word":
        words = Counter(word for sentence in sentences for word in WORD.findall(sentence) if len(word) <= MAX_WORD)
        words[" "] = words.total() + 1  # never cut off: it goes before a word that has no piece
        sentences = (f"{word}\t{count}" for word, count in words.items())
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            input_format="tsv" if kind == "word" else "text",
            model_type=kind,
            vocab_size=vocab_size - len(OWN_SYMBOLS),
            hard_vocab_limit=False,  # what the text cannot support is found out in one training
            character_coverage=1.0,  # the alphabet is chosen here
            byte_fallback=True,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            unk_id=UNKNOWN_ID,
            bos_id=BOUNDARY_ID,
            eos_id=-1,
            pad_id=-1,
            bos_piece=BOUNDARY_PIECE,
            unk_surface="",
            max_sentence_length=1 << 20,  # in bytes; a longer one would be dropped silently, a stretch never is
            num_threads=TRAINING_THREADS,
            minloglevel=3,
        )
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"no {kind} tokenizer can be trained on this text ({reason}): give more of it") from error
    return model.getvalue()


def _sentences(sample: list[str], alphabet_size: int) -> Iterator[str]:
    """Cut an escaped sample into what pieces may be made of: lines of the most frequent characters, and a space."""
    counts: Counter[str] = Counter()
    for stretch in sample:
        counts.update(stretch)
    breaks = dict.fromkeys(map(ord, counts.keys() - _alphabet(counts, alphabet_size)), "\n")
    yield " "  # it has a piece even where a text has no spaces
    for stretch in sample:
        yield from filter(None, stretch.translate(breaks).split("\n"))


def _alphabet(counts: Counter[str], size: int) -> set[str]:
    """The space and the most frequent characters, up to `size` or until they cover all but the rarest."""
    usable = {character: count for character, count in counts.items() if character not in UNTRAINABLE}
    remaining = sum(usable.values())
    uncovered = remaining * (1 - ALPHABET_COVERAGE)
    alphabet = {" "}
    for character, count in sorted(usable.items(), key=lambda item: (-item[1], item[0])):
        if remaining <= uncovered or len(alphabet) == size:
            break
        alphabet.add(character)
        remaining -= count
    return alphabet


def _fix_up(model: bytes, kind: Kind) -> Any:
    """Add the own symbols after the boundary, and round a unigram model's scores."""
    proto = ModelProto.FromString(model)
    pieces = list(proto.pieces)
    own = [type(pieces[0])(piece=symbol, score=0.0) for symbol in OWN_SYMBOLS]
    if kind == "unigram":
        for piece in pieces:
            piece.score = round(piece.score / SCORE_STEP) * SCORE_STEP
    del proto.pieces[:]
    proto.pieces.extend([*pieces[: BOUNDARY_ID + 1], *own, *pieces[BOUNDARY_ID + 1 :]])
    proto.trainer_spec.vocab_size = len(proto.pieces)
    return proto
