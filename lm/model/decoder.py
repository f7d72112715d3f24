"""A decoder-only transformer in Arcee's layout: Llama with ReLU² instead of a gate, and the embedding tied.

Parameter names and arithmetic are those of Hugging Face's `ArceeForCausalLM`, so that a saved folder loads there, and
llama.cpp knows the layout too. Why this one rather than Llama or Qwen3: see docs/adr/0009-arcee-layout.md.

Shapes: B sequences, T tokens, C width, H heads, K key-value heads, D head width, V vocabulary.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lm.errors import BadInput
from lm.model import fused
from lm.model.config import ModelConfig
from lm.model.hf_config import (
    CONFIG_FILE,
    NORM_EPSILON,
    ROTARY_BASE,
    WEIGHTS_FILE,
    hugging_face_config,
    read_model_config,
)
from lm.model.tensor_file import save_tensors
from lm.store.files import check_readable

EMBEDDING_STD = 0.01  # the first norm scales it up; as the output matrix it starts near a uniform guess


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, shape: ModelConfig) -> None:
        super().__init__()
        self.head_width = shape.head_width
        kv_width = shape.kv_heads * shape.head_width
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.v_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        query, key, value = (self._heads(F.linear(x, _weight(m, x))) for m in (self.q_proj, self.k_proj, self.v_proj))
        query, key = fused.rotate(query, *rotary), fused.rotate(key, *rotary)
        grouped = key.shape[1] != query.shape[1]
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=grouped)
        return F.linear(mixed.transpose(1, 2).flatten(2), _weight(self.o_proj, x))

    def joint_weight(self) -> Tensor:
        """One matrix for queries, keys and values, as many of each: (3C, C). The queries hold the softmax's scale."""
        keys, values = (self._for_every_head(m.weight) for m in (self.k_proj, self.v_proj))
        return torch.cat((self.q_proj.weight * self.head_width**-0.5, keys, values))

    def _heads(self, x: Tensor) -> Tensor:
        """(B, T, heads·D) -> (B, heads, T, D)."""
        return x.view(*x.shape[:2], -1, self.head_width).transpose(1, 2)

    def _for_every_head(self, weight: Tensor) -> Tensor:
        """Repeat the rows of each key-value head for the queries that share it: (K·D, C) -> (C, C)."""
        repeats = weight.shape[1] // weight.shape[0]
        return weight.view(-1, self.head_width, weight.shape[1]).repeat_interleave(repeats, dim=0).flatten(0, 1)


class Mlp(nn.Module):
    """Two matrices with a squared ReLU between them (Primer, arXiv 2109.08668)."""

    def __init__(self, shape: ModelConfig) -> None:
        super().__init__()
        self.up_proj = nn.Linear(shape.width, shape.mlp_width, bias=False)
        self.down_proj = nn.Linear(shape.mlp_width, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        return F.linear(F.linear(x, _weight(self.up_proj, x)).relu().square(), _weight(self.down_proj, x))


class Layer(nn.Module):
    """Attention, then the multilayer perceptron, each read from a normalised stream and added to it."""

    def __init__(self, shape: ModelConfig) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.width, eps=NORM_EPSILON)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, eps=NORM_EPSILON)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        return self.add_mlp(self.add_attention(x, rotary))

    def add_attention(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """The first half: (B, T, C) -> (B, T, C)."""
        return x + self.self_attn.forward(_norm(x, self.input_layernorm), rotary)

    def add_mlp(self, x: Tensor) -> Tensor:
        """The second half: (B, T, C) -> (B, T, C)."""
        return x + self.mlp.forward(_norm(x, self.post_attention_layernorm))

    def train_forward(
        self, x: Tensor, rotary: tuple[Tensor, Tensor], masks: tuple[Tensor, Tensor] | None, batch: int
    ) -> Tensor:
        """`forward` for training, on tokens in one row: (B·T, C), masks as well -> (B·T, C)."""
        attention_mask, mlp_mask = masks or (None, None)
        qkv = (self.self_attn.joint_weight() * self.input_layernorm.weight).to(x.dtype)
        x = fused.attention(x, qkv, _weight(self.self_attn.o_proj, x), rotary, attention_mask, batch, NORM_EPSILON)
        up = (self.mlp.up_proj.weight * self.post_attention_layernorm.weight).to(x.dtype)
        return fused.mlp(x, up, _weight(self.mlp.down_proj, x), mlp_mask, NORM_EPSILON)


def _weight(matrix: nn.Module, x: Tensor) -> Tensor:
    """The weight of a linear or embedding module in the precision of `x`."""
    return cast(Tensor, matrix.weight).to(x.dtype)


def _norm(x: Tensor, norm: nn.RMSNorm) -> Tensor:
    return F.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)


class Backbone(nn.Module):
    """Everything below the output matrix (Hugging Face's `model.`)."""

    def __init__(self, shape: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocab_size, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=NORM_EPSILON)


class Decoder(nn.Module):
    """The language model. Parameters are fp32; the arithmetic runs in `compute_dtype`."""

    def __init__(self, shape: ModelConfig, vocab_size: int, compute_dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.shape, self.vocab_size, self.compute_dtype = shape, vocab_size, compute_dtype
        self.model = Backbone(shape, vocab_size)

    def initialise(self, seed: int) -> None:
        """Fresh weights, a pure function of the seed: nothing is written into the stream before the first step."""
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1:
                nn.init.ones_(parameter)
            elif name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(parameter)
            else:
                std = EMBEDDING_STD if name.endswith("embed_tokens.weight") else parameter.shape[1] ** -0.5
                nn.init.normal_(parameter, std=std, generator=generator)

    def load_weights(self, folder: Path) -> None:
        """Take over the weights of a model folder. Raises BadInput when they are not of this shape."""
        check_readable(folder / WEIGHTS_FILE)
        try:
            self.load_state_dict({name: weight.float() for name, weight in load_file(folder / WEIGHTS_FILE).items()})
        except (OSError, SafetensorError, RuntimeError) as error:
            raise BadInput(f"{folder / WEIGHTS_FILE} does not hold the weights that were expected of it") from error

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) -> logits (B, T, V) in fp32."""
        return self.logits(self.hidden(tokens))

    def logits(self, states: Tensor) -> Tensor:
        """States (..., C) from `hidden` -> logits (..., V) in fp32."""
        return F.linear(states, _weight(self.model.embed_tokens, states)).float()

    def hidden(self, tokens: Tensor) -> Tensor:
        """The states (B, T, C), in the compute precision, that the output matrix turns into logits."""
        rotary = self._rotary(tokens.shape[1])
        x = self._embed(tokens)
        for layer in self._layers():
            x = layer.forward(x, rotary)
        return _norm(x, self.model.norm)

    def norm_inputs(self, tokens: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Name of each norm's weight, and the stream (B, T, C) that it reads, in order."""
        rotary = self._rotary(tokens.shape[1])
        x = self._embed(tokens)
        for index, layer in enumerate(self._layers()):
            yield f"model.layers.{index}.input_layernorm.weight", x
            x = layer.add_attention(x, rotary)
            yield f"model.layers.{index}.post_attention_layernorm.weight", x
            x = layer.add_mlp(x)
        yield "model.norm.weight", x

    def loss(self, tokens: Tensor, targets: Tensor, masks: Tensor | None = None, *, recompute: bool = False) -> Tensor:
        """Mean cross-entropy in nats per token, by the training path; tokens and targets: (B, T).

        `masks` (2L+1, B·T, C), in the compute precision, multiply the embedding and what each half of a layer adds.
        With `recompute`, a layer keeps nothing but its input and is computed again on the way back: the same bits in
        less memory and a third more time (Chen et al. 2016, https://arxiv.org/abs/1604.06174).
        """
        rotary = self._rotary(tokens.shape[1])
        x = self._embed(tokens.flatten())
        if masks is not None:
            x = x * masks[0]
        for index, layer in enumerate(self._layers()):
            pair = None if masks is None else (masks[2 * index + 1], masks[2 * index + 2])
            if recompute:
                x = checkpoint(layer.train_forward, x, rotary, pair, len(tokens), use_reentrant=False)
            else:
                x = layer.train_forward(x, rotary, pair, len(tokens))
        output = (self.model.embed_tokens.weight * self.model.norm.weight).to(x.dtype)
        return fused.cross_entropy(x, output, targets.flatten(), NORM_EPSILON)

    def _layers(self) -> Iterator[Layer]:
        return cast(Iterator[Layer], iter(self.model.layers))

    def _embed(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens, self.model.embed_tokens.weight).to(self.compute_dtype)

    def _rotary(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine of the positions' angles, (T, D) each."""
        cosine, sine = fused.rotary(length, self.shape.head_width, ROTARY_BASE)
        device = self.model.norm.weight.device
        return cosine.to(device, self.compute_dtype), sine.to(device, self.compute_dtype)


def save_model(folder: Path, shape: ModelConfig, vocab_size: int, weights: dict[str, Tensor]) -> None:
    """Write `config.json` and `model.safetensors` (fp32) into an existing folder."""
    config = json.dumps(hugging_face_config(shape, vocab_size), indent=2) + "\n"
    (folder / CONFIG_FILE).write_text(config, encoding="utf-8")
    tensors = {name: weight.detach().float().cpu() for name, weight in weights.items()}
    save_tensors(folder / WEIGHTS_FILE, tensors, {"format": "pt"})


def load_model(folder: Path) -> Decoder:
    """The model of a folder with `config.json` and `model.safetensors`, in fp32 on the CPU, ready to evaluate.

    Raises BadInput for a folder that is not of this layout.
    """
    shape, vocab_size = read_model_config(folder)
    model = Decoder(shape, vocab_size)
    model.load_weights(folder)
    return model.eval()
