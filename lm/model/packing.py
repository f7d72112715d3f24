"""Several models of one tokenizer packed into one of the same layout, which any program reads that reads ours.

The members stand side by side in a wider model: embeddings joined, every matrix block-diagonal, so that none sees
another's stream. Logits are the mean of theirs. One thing is shared: a norm divides by the size of the whole stream,
where each member's own divided by the size of its own. Each member's norm weights are therefore multiplied by the mean
of (shared size / own size) over some text. No training follows. Measured: docs/experiments/ensembles.md.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from lm.errors import BadInput
from lm.model.config import ModelConfig
from lm.model.decoder import Decoder


def packed_shape(shapes: Sequence[ModelConfig]) -> ModelConfig:
    """The shape of a model that holds them all. Raises BadInput where they differ in what must be equal."""
    first = shapes[0]
    for shape in shapes[1:]:
        if shape != first:
            raise BadInput(f"models of different shapes cannot be packed into one: got {first!r} and {shape!r}")
    many = len(shapes)
    return ModelConfig(
        layers=first.layers,
        width=many * first.width,
        heads=many * first.heads,
        kv_heads=many * first.kv_heads,
        mlp_width=many * first.mlp_width,
        context=first.context,
    )


@torch.inference_mode()
def pack(members: Sequence[Decoder], text: Tensor) -> Decoder:
    """Pack models into one; `text` (B, T), token ids of training text, tells how large their streams are."""
    packed = Decoder(packed_shape([member.shape for member in members]), members[0].vocab_size)
    weights = [dict(member.named_parameters()) for member in members]
    factors = _norm_factors(members, text)
    joined: dict[str, Tensor] = {}
    for name in weights[0]:
        parts: list[Tensor] = [of_member[name] for of_member in weights]
        if name in factors:
            joined[name] = torch.cat([part * factor for part, factor in zip(parts, factors[name], strict=True)])
        elif name == "model.embed_tokens.weight":
            joined[name] = torch.cat(parts, dim=1)
        else:
            joined[name] = torch.block_diag(*parts)  # type: ignore[no-untyped-call] # torch has no types for it
    joined["model.norm.weight"] /= len(members)
    packed.load_state_dict(joined)
    return packed.eval()


def _norm_factors(members: Sequence[Decoder], text: Tensor) -> dict[str, list[float]]:
    """Of every norm, by name, what the weights of each member are multiplied by."""
    streams = [dict(member.norm_inputs(text)) for member in members]
    factors = {}
    for name in streams[0]:
        squares = torch.stack([stream[name].float().square().mean(dim=-1) for stream in streams])  # (members, B, T)
        factors[name] = (squares.mean(dim=0) / squares).sqrt().mean(dim=(1, 2)).tolist()
    return factors
