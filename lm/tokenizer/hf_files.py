"""Hugging Face's files for a tokenizer: the same ids and the same text back, with no custom code.

What `tokenizer.py` does in Python is said here in the terms of the `tokenizers` library: the escapes and the space
are Replace normalisers and decoders, the lines a Split, byte fallback its own. A BPE's merges are every way to put
a piece together from two others, in the order of the pieces. Unigram scores are summed in float64 there and in
float32 by sentencepiece; they were rounded in training so that both sums are exact.
"""

from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from lm.store.files import write_json
from lm.tokenizer.special_tokens import BOUNDARY_PIECE, OWN_SYMBOLS, UNKNOWN_ID
from lm.tokenizer.tokenizer import ESCAPES, SEGMENT_CHARACTERS, SPACE, ModelProto
from lm.tokenizer.tokenizer import Tokenizer as SlowburnTokenizer

LINE = rf"[^\n]{{1,{SEGMENT_CHARACTERS}}}\n?|\n"
NORMAL = 1  # sentencepiece's number for a piece that is text
WORD_LIMIT = (
    "The word tokenizer has no Hugging Face files: their word models cannot fall back to bytes. Use tokenizer.model."
)


def write_hugging_face_tokenizer(tokenizer_model: Path, folder: Path) -> str | None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into a folder.

    Returns None, or the limit to state where this kind of tokenizer cannot be written (nothing is written then).
    Raises SlowburnError when the file is not a tokenizer that Slowburn made.
    """
    kind = SlowburnTokenizer(tokenizer_model).kind
    if kind == "word":
        return WORD_LIMIT
    proto = ModelProto.FromString(tokenizer_model.read_bytes())
    pieces = [(piece.piece, piece.score, piece.type) for piece in proto.pieces]
    model = _unigram(pieces) if kind == "unigram" else _bpe(pieces)
    special = [pieces[UNKNOWN_ID][0], BOUNDARY_PIECE]
    _in_hugging_face_terms(model, special).save(str(folder / "tokenizer.json"))
    names = {"bos_token": BOUNDARY_PIECE, "eos_token": BOUNDARY_PIECE, "unk_token": special[0]}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,  # a text that says `<|endoftext|>` is text
    }
    write_json(folder / "tokenizer_config.json", names | settings)
    write_json(folder / "special_tokens_map.json", names)
    return None


def _in_hugging_face_terms(model: models.Model, special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(model)
    spaces = (" ", SPACE)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(*pair) for pair in (*ESCAPES, spaces)])
    splits = [pre_tokenizers.Split(Regex(LINE), "isolated")]
    # Unlike sentencepiece, a unigram model here would find `<0x41>` in a text; no text piece holds `<` and more.
    splits += [pre_tokenizers.Split(symbol, "isolated") for symbol in OWN_SYMBOLS]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(splits)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(SPACE, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            *(decoders.Replace(escaped, plain) for plain, escaped in reversed(ESCAPES)),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    return tokenizer


def _unigram(pieces: list[tuple[str, float, int]]) -> models.Unigram:
    return models.Unigram([(piece, score) for piece, score, _ in pieces], unk_id=UNKNOWN_ID, byte_fallback=True)


def _bpe(pieces: list[tuple[str, float, int]]) -> models.BPE:
    scores = {piece: score for piece, score, kind in pieces if kind == NORMAL}
    merges = [
        (piece[:cut], piece[cut:])
        for piece in sorted(scores, key=scores.__getitem__, reverse=True)
        for cut in range(1, len(piece))
        if piece[:cut] in scores and piece[cut:] in scores
    ]
    vocabulary = {piece: index for index, (piece, _, _) in enumerate(pieces)}
    return models.BPE(vocabulary, merges, unk_token=pieces[UNKNOWN_ID][0], fuse_unk=True, byte_fallback=True)
