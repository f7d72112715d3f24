"""One GGUF file of a model, as llama.cpp and what stands on it (ollama, LM Studio …) read it.

Written with llama.cpp's own `gguf` package. What its converter does for this architecture is done here: the tensors'
names, and the rows of the query and key matrices in the order of interleaved rotary pairs (llama.cpp's NORM rope; ours
and Hugging Face's is half-split).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from lm.model.config import ModelConfig
from lm.model.hf_config import NORM_EPSILON, ROTARY_BASE, read_model_config
from lm.model.inference import interleaved, read_weights
from lm.tokenize.config import TOKENIZER_FILE
from lm.tokenizer.special_tokens import BOUNDARY_ID, UNKNOWN_ID
from lm.tokenizer.tokenizer import ModelProto, Tokenizer

Array = npt.NDArray[np.float32]

BLOCK = 32  # numbers of a row that share a scale in Q8_0
ARCHITECTURE = gguf.MODEL_ARCH.ARCEE
RAW_TEXT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
TOKENIZER_MODELS = {
    "bpe": "llama",
    "char": "llama",
    "byte": "llama",
    "word": "llama",
    "unigram": "t5",
}  # llama.cpp's names
BYTES_MISSING = (
    "llama.cpp's unigram tokenizer does not fall back to bytes: a character without a piece of its own is read as "
    "unknown. All other text has the same token ids."
)
ESCAPED = (
    "Two characters, U+2581 (▁) and U+0010, are read differently by llama.cpp, which has no way to escape them; so are "
    "lines longer than 4,096 characters, at every 4,096th. All other text has the same token ids."
)
WORDS_MERGED = (
    "llama.cpp has no tokenizer of whole words: it puts tokens together from characters, so most words become many "
    "bytes and the model reads them badly. Train with `--set tokenize.kind=bpe` to use it there."
)
LIMITS = {
    "bpe": ESCAPED,
    "char": ESCAPED,
    "byte": ESCAPED,
    "unigram": f"{BYTES_MISSING} {ESCAPED}",
    "word": WORDS_MERGED,
}


@dataclass(frozen=True)
class Precision:
    """How the matrices of a GGUF file are stored; norms are fp32 in any."""

    name: str
    file_type: gguf.LlamaFileType
    kind: gguf.GGMLQuantizationType

    def stored(self, matrix: Array) -> npt.NDArray[Any]:
        """A matrix as the file holds it: bytes, where it has no type of numpy's."""
        stored: npt.NDArray[Any] = gguf.quants.quantize(matrix.astype(np.float32), self.kind_of(matrix))
        return stored

    def read_back(self, matrix: Array) -> Array:
        """A matrix as a reader of the file computes with it."""
        found: Array = gguf.quants.dequantize(self.stored(matrix), self.kind_of(matrix)).astype(np.float32)
        return found

    def kind_of(self, matrix: Array) -> gguf.GGMLQuantizationType:
        """Rows that are no whole blocks stay fp16, as in llama.cpp's own files."""
        return self.kind if matrix.shape[-1] % BLOCK == 0 else gguf.GGMLQuantizationType.F16


F16 = Precision("F16", gguf.LlamaFileType.MOSTLY_F16, gguf.GGMLQuantizationType.F16)
Q8_0 = Precision("Q8_0", gguf.LlamaFileType.MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0)


def write_gguf(model: Path, file: Path, *, name: str, licence: str, precision: Precision = F16) -> str:
    """Write the model in a folder as one GGUF file; return the limit that its card must state.

    The same model gives the same bytes. Raises BadInput for a folder that is no model of ours.
    """
    shape, vocab_size = read_model_config(model)
    tokenizer, weights = Tokenizer(model / TOKENIZER_FILE), read_weights(model)
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[ARCHITECTURE])
    writer.add_name(name)
    writer.add_license(licence)
    _describe(writer, shape, vocab_size, precision)
    _describe_tokenizer(writer, model / TOKENIZER_FILE, TOKENIZER_MODELS[tokenizer.kind])
    for tensor_name, tensor in _tensors(weights, shape):
        if tensor.ndim == 1:
            writer.add_tensor(tensor_name, tensor)
        else:
            writer.add_tensor(tensor_name, precision.stored(tensor), raw_dtype=precision.kind_of(tensor))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return LIMITS[tokenizer.kind]


def _describe(writer: gguf.GGUFWriter, shape: ModelConfig, vocab_size: int, precision: Precision) -> None:
    writer.add_vocab_size(vocab_size)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.mlp_width)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(ROTARY_BASE)
    writer.add_layer_norm_rms_eps(NORM_EPSILON)
    writer.add_file_type(precision.file_type)
    if precision is not F16:
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _describe_tokenizer(writer: gguf.GGUFWriter, tokenizer_model: Path, kind: str) -> None:
    """Pieces, scores and types are numbered alike in sentencepiece and GGUF."""
    pieces = ModelProto.FromString(tokenizer_model.read_bytes()).pieces
    writer.add_tokenizer_model(kind)
    writer.add_token_list([piece.piece for piece in pieces])
    writer.add_token_scores([piece.score for piece in pieces])
    writer.add_token_types([piece.type for piece in pieces])
    writer.add_bos_token_id(BOUNDARY_ID)
    writer.add_eos_token_id(BOUNDARY_ID)
    writer.add_unk_token_id(UNKNOWN_ID)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_remove_extra_whitespaces(False)
    writer.add_chat_template(RAW_TEXT_TEMPLATE)  # it continues text: without one, readers would put chat marks around


def _tensors(weights: dict[str, Array], shape: ModelConfig) -> Iterator[tuple[str, Array]]:
    names = gguf.get_tensor_name_map(ARCHITECTURE, shape.layers)
    heads = {"q_proj.weight": shape.heads, "k_proj.weight": shape.kv_heads}
    for name, weight in weights.items():
        renamed = names.get_name(name, try_suffixes=(".weight",))
        if renamed is None:
            raise ValueError(f"{name} has no name in GGUF")
        ending = ".".join(name.split(".")[-2:])
        rows = interleaved(weight, heads[ending]) if ending in heads else weight
        yield renamed, rows.astype(np.float32)
