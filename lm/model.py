"""A decoder-only transformer in Qwen3's layout: pre-norm, QK-norm, rotary positions, gated SiLU, tied embedding.

Parameter names and arithmetic are those of Hugging Face's `Qwen3ForCausalLM`, so that a saved folder loads there, and
llama.cpp knows the layout too. Why Qwen3 rather than Llama: see docs/training-trials.md.

Shapes: B sequences, T tokens, C width, H heads, K key-value heads, D head width, V vocabulary.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lm.errors import BadInput
from lm.recipe import BOUNDARY_ID, Shape

ROTARY_BASE = 10_000.0
NORM_EPSILON = 1e-6
EMBEDDING_STD = 0.01  # the first norm scales it up; as the output matrix it starts near a uniform guess
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"


@dataclass
class Cache:
    """Keys and values of the tokens seen so far, for each layer: (B, K, tokens, D). Starts empty, grows with use."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Tokens seen so far."""
        return self.keys[0].shape[2] if self.keys else 0

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append one layer's new keys and values (B, K, T, D); returns all of them."""
        if layer == len(self.keys):
            self.keys.append(key)
            self.values.append(value)
        else:
            self.keys[layer] = torch.cat((self.keys[layer], key), dim=2)
            self.values[layer] = torch.cat((self.values[layer], value), dim=2)
        return self.keys[layer], self.values[layer]


def _linear(x: Tensor, *layers: nn.Linear) -> Tensor:
    """One product for several matrices that read the same input, in the precision of `x`."""
    weight = layers[0].weight if len(layers) == 1 else torch.cat([layer.weight for layer in layers])
    return F.linear(x, weight.to(x.dtype))


def _norm(x: Tensor, norm: nn.RMSNorm) -> Tensor:
    return F.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)


def _rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions in the half-split convention; x: (B, T, H, D), cosine and sine: (T, 1, D)."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


class Attention(nn.Module):
    """Causal self-attention with normalised queries and keys."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = shape.heads, shape.kv_heads, shape.head_width
        kv_width = shape.kv_heads * shape.head_width
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.v_proj = nn.Linear(shape.width, kv_width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.q_norm = nn.RMSNorm(shape.head_width, eps=NORM_EPSILON)
        self.k_norm = nn.RMSNorm(shape.head_width, eps=NORM_EPSILON)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], layer: int, cache: Cache | None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        batch, length, _ = x.shape
        heads = _linear(x, self.q_proj, self.k_proj, self.v_proj).view(batch, length, -1, self.head_width)
        query, key, value = torch.split(heads, [self.heads, self.kv_heads, self.kv_heads], dim=2)
        query = _rotate(_norm(query, self.q_norm), *rotary).transpose(1, 2)
        key = _rotate(_norm(key, self.k_norm), *rotary).transpose(1, 2)
        value = value.transpose(1, 2)
        if cache is not None:
            key, value = cache.extend(layer, key, value)
        mixed = _attend(query, key, value, grouped=self.kv_heads != self.heads)
        return _linear(mixed.transpose(1, 2).reshape(batch, length, -1), self.o_proj)


def _attend(query: Tensor, key: Tensor, value: Tensor, grouped: bool) -> Tensor:
    """Causal attention in which the last query sees every key."""
    new, seen = query.shape[2], key.shape[2]
    if new == seen:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=grouped)
    visible = torch.ones(new, seen, dtype=torch.bool, device=query.device).tril(seen - new)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=visible, enable_gqa=grouped)


class Mlp(nn.Module):
    """SwiGLU (arXiv 2002.05202)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.mlp_width, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.mlp_width, bias=False)
        self.down_proj = nn.Linear(shape.mlp_width, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        gate, up = _linear(x, self.gate_proj, self.up_proj).chunk(2, dim=-1)
        return _linear(F.silu(gate) * up, self.down_proj)


class Layer(nn.Module):
    """Attention, then the multilayer perceptron, each read from a normalised stream and added to it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.width, eps=NORM_EPSILON)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, eps=NORM_EPSILON)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], layer: int, cache: Cache | None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        x = x + self.self_attn.forward(_norm(x, self.input_layernorm), rotary, layer, cache)
        return x + self.mlp.forward(_norm(x, self.post_attention_layernorm))


class Backbone(nn.Module):
    """Everything below the output matrix (Hugging Face's `model.`)."""

    def __init__(self, shape: Shape, vocab_size: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocab_size, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=NORM_EPSILON)


class Decoder(nn.Module):
    """The language model. Parameters are fp32; the arithmetic runs in `compute_dtype`."""

    def __init__(self, shape: Shape, vocab_size: int, compute_dtype: torch.dtype = torch.float32) -> None:
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

    def hidden(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Token ids (B, T) -> normalised states (B, T, C) in the compute precision."""
        start = cache.length if cache else 0
        rotary = self._rotary(start, start + tokens.shape[1], tokens.device)
        x = F.embedding(tokens, self.model.embed_tokens.weight).to(self.compute_dtype)
        for index, layer in enumerate(self.model.layers):
            x = layer(x, rotary, index, cache)
        return _norm(x, self.model.norm)

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """Token ids (B, T) -> logits (B, T, V) in fp32.

        With a cache, `tokens` continue those that the cache has seen, and are added to it: give the prompt first, then
        one token at a time. All sequences of a batch have the same length.
        """
        return self.logits(self.hidden(tokens, cache))

    def logits(self, states: Tensor) -> Tensor:
        """Normalised states (..., C) -> logits (..., V) in fp32."""
        return F.linear(states, self.model.embed_tokens.weight.to(states.dtype)).float()

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats a token; tokens and targets: (B, T)."""
        return F.cross_entropy(self(tokens).flatten(0, 1), targets.flatten())

    def _rotary(self, start: int, end: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Cosine and sine of the positions' angles: (T, 1, D) each."""
        frequencies = ROTARY_BASE ** -(torch.arange(0, self.shape.head_width, 2).float() / self.shape.head_width)
        angles = torch.outer(torch.arange(start, end).float(), frequencies)
        angles = torch.cat((angles, angles), dim=-1)[:, None].to(device)
        return angles.cos().to(self.compute_dtype), angles.sin().to(self.compute_dtype)


def hugging_face_config(shape: Shape, vocab_size: int) -> dict[str, Any]:
    """The `config.json` with which transformers and llama.cpp's converter read the model."""
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": vocab_size,
        "hidden_size": shape.width,
        "intermediate_size": shape.mlp_width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "hidden_act": "silu",
        "attention_bias": False,
        "tie_word_embeddings": True,
        "max_position_embeddings": shape.context,
        "rope_theta": ROTARY_BASE,
        "rms_norm_eps": NORM_EPSILON,
        "bos_token_id": BOUNDARY_ID,
        "eos_token_id": BOUNDARY_ID,
        "torch_dtype": "float32",
    }


def save_model(folder: Path, shape: Shape, vocab_size: int, weights: dict[str, Tensor]) -> None:
    """Write `config.json` and `model.safetensors` (fp32) into an existing folder."""
    config = json.dumps(hugging_face_config(shape, vocab_size), indent=2) + "\n"
    (folder / CONFIG_FILE).write_text(config, encoding="utf-8")
    tensors = {name: weight.detach().float().cpu().contiguous() for name, weight in weights.items()}
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})


def load_model(folder: Path) -> Decoder:
    """The model of a folder with `config.json` and `model.safetensors`, in fp32 on the CPU, ready to evaluate.

    Raises BadInput for a folder that is not of this layout.
    """
    config = _read_config(folder)
    shape = Shape(
        layers=config["num_hidden_layers"],
        width=config["hidden_size"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        mlp_width=config["intermediate_size"],
        context=config["max_position_embeddings"],
    )
    model = Decoder(shape, config["vocab_size"])
    weights = {name: weight.float() for name, weight in load_file(folder / WEIGHTS_FILE).items()}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise BadInput(f"{folder / WEIGHTS_FILE} does not hold the weights its config.json describes") from error
    return model.eval()


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = cast(dict[str, Any], json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadInput(f"no readable {CONFIG_FILE} in {folder}: expected a model folder") from error
    theta = config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta")
    ours = {"model_type": "qwen3", "hidden_act": "silu", "tie_word_embeddings": True, "attention_bias": False}
    for key, expected in ours.items():
        if config.get(key) != expected:
            raise BadInput(f"{folder / CONFIG_FILE}: {key} is {config.get(key)!r}, this program reads {expected!r}")
    if theta != ROTARY_BASE:
        raise BadInput(f"{folder / CONFIG_FILE}: rope_theta is {theta!r}, this program reads {ROTARY_BASE!r}")
    return config
