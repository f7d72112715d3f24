"""The model as it writes: one token after the other, with all that it can know beforehand worked out beforehand.

In numpy rather than torch. A step of a small model is some twenty operations a layer on a few hundred numbers each; a
torch operation takes 2 to 5 µs before it begins, numpy's take less than one. Torch is not even loaded.

Shapes as in `decoder.py`, and N = B·T rows, G query heads for each key-value head, S tokens seen.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from lm.errors import BadInput
from lm.model.config import ModelConfig
from lm.model.hf_config import NORM_EPSILON, ROTARY_BASE, WEIGHTS_FILE, read_model_config
from lm.store.files import check_readable

Float32s = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.integer]


class _Layer(NamedTuple):
    """A layer's matrices, with the norms before them multiplied in, each with long rows: so they are read fastest."""

    qkv: Float32s  # (C, (H + 2K)·D): queries with the softmax's scale, keys, values; rotary pairs side by side
    out: Float32s  # (C, C)
    up: Float32s  # (C, F)
    down: Float32s  # (C, F)


class Cache:
    """Keys and values of the tokens seen so far; room for a whole context is set aside at once."""

    def __init__(self, shape: ModelConfig, batch: int) -> None:
        self.length = 0
        self.memory = np.empty(
            (shape.layers, 2, batch, shape.kv_heads, shape.context, shape.head_width), np.float32
        )  # pages that are never written take no memory


class Inference:
    """A model's weights, ready to write with."""

    def __init__(self, shape: ModelConfig, weights: Mapping[str, Float32s]) -> None:
        """weights: by the names of the model folder's tensors."""
        self.shape = shape
        self.embedding = weights["model.embed_tokens.weight"]
        self.output = _transposed(self.embedding * weights["model.norm.weight"])  # (C, V)
        self.vocab_size = len(self.embedding)
        self._layers = [_layer(shape, weights, f"model.layers.{index}.") for index in range(shape.layers)]
        frequencies = ROTARY_BASE ** -(np.arange(0, shape.head_width, 2, dtype=np.float32) / shape.head_width)
        angles = np.outer(np.arange(shape.context, dtype=np.float32), frequencies.astype(np.float32))
        self._turns = np.exp(1j * angles).astype(np.complex64)  # (context, D/2): a rotary pair is a complex number

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model of a folder with `config.json` and `model.safetensors`.

        Raises BadInput for a folder that is not of this layout.
        """
        return cls(read_model_config(folder)[0], read_weights(folder))

    @property
    def cache_row_bytes(self) -> int:
        """Memory of the keys and values of one text."""
        shape = self.shape
        return 4 * 2 * shape.layers * shape.context * shape.kv_heads * shape.head_width

    def new_cache(self, batch: int) -> Cache:
        """Room for the keys and values of `batch` texts."""
        return Cache(self.shape, batch)

    def logits(self, tokens: Tokens, cache: Cache) -> Float32s:
        """Logits (B, V) of what follows `tokens` (B, T), which follow those that the cache has seen.

        The cache takes them in. Together they must not be longer than the context.
        """
        batch, new = tokens.shape
        seen, cache.length = cache.length, cache.length + new
        x = self.embedding[tokens.reshape(-1)]  # (N, C)
        turns = self._turns[seen : cache.length, None]  # (T, 1, D/2)
        hidden = np.triu(np.full((new, cache.length), -np.inf, np.float32), seen + 1) if new > 1 else None
        for layer, memory in zip(self._layers, cache.memory, strict=True):
            heads = (_normalised(x) @ layer.qkv).reshape(batch, new, -1, self.shape.head_width)
            x += self._attend(heads, turns, memory[:, :, :, : cache.length], hidden) @ layer.out
            active = _normalised(x) @ layer.up
            np.maximum(active, 0, out=active)
            active *= active
            x += active @ layer.down.T
        last = x.reshape(batch, new, -1)[:, -1]
        logits: Float32s = _normalised(last) @ self.output
        return logits

    def _attend(
        self, heads: Float32s, turns: npt.NDArray[np.complex64], memory: Float32s, hidden: Float32s | None
    ) -> Float32s:
        """Causal attention: heads (B, T, H + 2K, D), memory (2, B, K, S, D) to be completed -> (N, H·D)."""
        batch, new, _, width = heads.shape
        queries, keys = self.shape.heads, self.shape.kv_heads
        turned = heads[:, :, : queries + keys].view(np.complex64)
        turned *= turns
        seen = memory.shape[3] - new
        memory[0, :, :, seen:] = heads[:, :, queries : queries + keys].transpose(0, 2, 1, 3)
        memory[1, :, :, seen:] = heads[:, :, queries + keys :].transpose(0, 2, 1, 3)
        grouped = heads[:, :, :queries].transpose(0, 2, 1, 3).reshape(batch, keys, -1, width)  # (B, K, G·T, D)
        scores = grouped @ memory[0].swapaxes(-1, -2)  # (B, K, G·T, S)
        if hidden is not None:
            scores.reshape(-1, *hidden.shape)[:] += hidden
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ memory[1]).reshape(batch, queries, new, width)
        rows: Float32s = mixed.transpose(0, 2, 1, 3).reshape(batch * new, -1)
        return rows


def read_weights(folder: Path) -> dict[str, Float32s]:
    """The tensors of a model folder. Raises BadInput when they are not those that its config.json describes."""
    file = folder / WEIGHTS_FILE
    check_readable(file)
    wanted = {name: (size, np.dtype(np.float32)) for name, size in weight_shapes(*read_model_config(folder)).items()}
    try:
        weights: dict[str, Float32s] = load_file(file)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise BadInput(f"{file} does not hold the weights its config.json describes") from error
    if {name: (weight.shape, weight.dtype) for name, weight in weights.items()} != wanted:
        raise BadInput(f"{file} does not hold the weights its config.json describes")
    return weights


def weight_shapes(shape: ModelConfig, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a model folder, by name."""
    kv_width = shape.kv_heads * shape.head_width
    layer = {
        "input_layernorm": (shape.width,),
        "self_attn.q_proj": (shape.width, shape.width),
        "self_attn.k_proj": (kv_width, shape.width),
        "self_attn.v_proj": (kv_width, shape.width),
        "self_attn.o_proj": (shape.width, shape.width),
        "post_attention_layernorm": (shape.width,),
        "mlp.up_proj": (shape.mlp_width, shape.width),
        "mlp.down_proj": (shape.width, shape.mlp_width),
    }
    layers = {
        f"model.layers.{index}.{name}.weight": size for index in range(shape.layers) for name, size in layer.items()
    }
    return {"model.embed_tokens.weight": (vocab_size, shape.width), **layers, "model.norm.weight": (shape.width,)}


def interleaved(weight: Float32s, heads: int) -> Float32s:
    """Each head's rows from half-split to interleaved rotary pairs: (heads·D, C) -> (heads·D, C)."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def _layer(shape: ModelConfig, weights: Mapping[str, Float32s], prefix: str) -> _Layer:
    query, key, value, out = (weights[f"{prefix}self_attn.{name}_proj.weight"] for name in "qkvo")
    scale = np.float32(shape.head_width**-0.5)
    joint = np.concatenate([interleaved(query, shape.heads) * scale, interleaved(key, shape.kv_heads), value])
    return _Layer(
        _transposed(joint * weights[f"{prefix}input_layernorm.weight"]),
        _transposed(out),
        _transposed(weights[f"{prefix}mlp.up_proj.weight"] * weights[f"{prefix}post_attention_layernorm.weight"]),
        weights[f"{prefix}mlp.down_proj.weight"],
    )


def _transposed(matrix: Float32s) -> Float32s:
    return np.ascontiguousarray(matrix.T)


def _normalised(x: Float32s) -> Float32s:
    """`x` over its root mean square: (N, C) -> (N, C)."""
    squares = np.vecdot(x, x) / np.float32(x.shape[1]) + np.float32(NORM_EPSILON)
    normalised: Float32s = x / np.sqrt(squares)[:, None]
    return normalised
