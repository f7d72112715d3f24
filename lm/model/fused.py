"""The training arithmetic of the model's parts, with backward passes written by hand.

In a small transformer on a CPU, passes over activations take more time than matrix products: PyTorch's own operations
reached 13 % of the machine's matrix-product peak, these twice that (docs/adr/0015-hand-written-backward-passes.md).
They work in place, add the residual inside the last product, skip most of what the causal mask hides, and keep for the
backward pass what is cheaper to keep than to compute again. The norms' gains are not seen here: the caller folds them
into the matrices.

Shapes: N = B·T tokens, C width, H heads, D head width, F mlp width, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

ATTENTION_BLOCK = 128  # queries attended at once: fewer waste less under the mask, more make larger products


class _Mlp(Function):
    """`x + mask · relu(norm(x) upᵀ)² downᵀ`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, up: Tensor, down: Tensor, mask: Tensor | None, epsilon: float) -> Tensor:
        """x, mask: (N, C), up: (F, C), down: (C, F) -> (N, C)."""
        normal, inverse = _normalise(x, epsilon)
        active = F.linear(normal, up).relu_()
        ctx.save_for_backward(normal, inverse, active, up, down, mask)
        return _add_product(x, active.square(), down, mask)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Gradients of x, up, down."""
        (gradient,) = gradients
        normal, inverse, active, up, down, mask = ctx.saved_tensors
        branch = gradient if mask is None else gradient * mask
        down_gradient = branch.t() @ active.square()
        half = (branch @ down).mul_(active)  # half the gradient of relu²: the 2 is applied to smaller tensors
        up_gradient = (half.t() @ normal).mul_(2)
        x_gradient = _normalise_backward(half @ (2 * up), normal, inverse) + gradient
        return x_gradient, up_gradient, down_gradient, None, None


class _Attention(Function):
    """`x + mask · attention(norm(x)) outᵀ`, causal, with rotary positions; the queries hold the softmax's scale."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        qkv: Tensor,
        out: Tensor,
        rotary: tuple[Tensor, Tensor],
        mask: Tensor | None,
        batch: int,
        epsilon: float,
    ) -> Tensor:
        """x, mask: (N, C), qkv: (3C, C), out: (C, C), rotary: cosine and sine, (T, D) each -> (N, C)."""
        length, head_width = rotary[0].shape
        normal, inverse = _normalise(x, epsilon)
        joint = F.linear(normal, qkv).view(batch, length, 3, -1, head_width)
        joint = joint.permute(2, 0, 3, 1, 4).contiguous()  # (3, B, H, T, D)
        joint[:2] = rotate(joint[:2], *rotary)
        query, key, value = joint.flatten(1, 2)
        mixed = torch.empty_like(value)
        shares = []
        hidden = torch.full((length, length), -torch.inf, dtype=x.dtype, device=x.device).triu_(1)
        for start, end in _blocks(length):
            scores = torch.baddbmm(hidden[start:end, :end], query[:, start:end], key[:, :end].transpose(1, 2))
            shares.append(torch.softmax(scores, dim=-1))
            mixed[:, start:end] = shares[-1] @ value[:, :end]
        mixed = mixed.view(batch, -1, length, head_width).transpose(1, 2).reshape(x.shape)
        ctx.save_for_backward(normal, inverse, query, key, value, mixed, qkv, out, mask, *rotary, *shares)
        return _add_product(x, mixed, out, mask)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None, None]:
        """Gradients of x, qkv, out."""
        (gradient,) = gradients
        normal, inverse, query, key, value, mixed, qkv, out, mask, cosine, sine, *shares = ctx.saved_tensors
        length, head_width = cosine.shape
        branch = gradient if mask is None else gradient * mask
        out_gradient = branch.t() @ mixed
        mixed_gradient = (branch @ out).view(-1, length, mixed.shape[1] // head_width, head_width)
        mixed_gradient = mixed_gradient.transpose(1, 2).flatten(0, 1)  # (B·H, T, D)
        d_query, d_key, d_value = joint = torch.zeros(3, *value.shape, dtype=value.dtype, device=value.device)
        for (start, end), share in zip(_blocks(length), shares, strict=True):
            part = mixed_gradient[:, start:end]
            d_value[:, :end] += share.transpose(1, 2) @ part
            # PyTorch's own backward of softmax: one pass instead of three.
            scores = torch._softmax_backward_data(part @ value[:, :end].transpose(1, 2), share, -1, share.dtype)
            d_query[:, start:end] = scores @ key[:, :end]
            d_key[:, :end] += scores.transpose(1, 2) @ query[:, start:end]
        joint[:2] = rotate(joint[:2], cosine, -sine)
        joint = joint.view(3, len(gradient) // length, -1, length, head_width).permute(1, 3, 0, 2, 4)
        joint = joint.reshape(len(gradient), -1)  # (N, 3C)
        x_gradient = _normalise_backward(joint @ qkv, normal, inverse) + gradient
        return x_gradient, joint.t() @ normal, out_gradient, None, None, None, None


class _CrossEntropy(Function):
    """The mean cross-entropy in nats of `softmax(norm(x) weightᵀ)`; its gradient is computed on the way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, epsilon: float) -> Tensor:
        """x: (N, C), weight: (V, C), targets: (N,) token ids -> () in fp32 or finer."""
        normal, inverse = _normalise(x, epsilon)
        logits = F.linear(normal, weight)
        shares = torch.softmax(logits, dim=-1, dtype=torch.promote_types(x.dtype, torch.float32))
        right = shares.gather(1, targets[:, None])
        ctx.save_for_backward(normal, inverse, weight, shares.scatter_(1, targets[:, None], right - 1).to(x.dtype))
        return -right.log().mean()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Gradients of x and weight."""
        normal, inverse, weight, error = ctx.saved_tensors
        scale = gradients[0] / len(error)
        x_gradient = _normalise_backward(error @ (weight * scale), normal, inverse)
        return x_gradient, (error.t() @ normal).mul_(scale), None, None


attention: Callable[..., Tensor] = _Attention.apply
mlp: Callable[..., Tensor] = _Mlp.apply
cross_entropy: Callable[..., Tensor] = _CrossEntropy.apply


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions in the half-split convention; x: (..., T, D), cosine and sine: (T, D), see `rotary`."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((second, first), dim=-1).mul_(sine).addcmul_(x, cosine)


def rotary(length: int, head_width: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angles of the first positions, (T, D) each; the sine of the first half is negated."""
    frequencies = base ** -(torch.arange(0, head_width, 2).float() / head_width)
    angles = torch.outer(torch.arange(length).float(), frequencies)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat((cosine, cosine), dim=-1), torch.cat((-sine, sine), dim=-1)


def _add_product(x: Tensor, active: Tensor, weight: Tensor, mask: Tensor | None) -> Tensor:
    """`x + mask · active weightᵀ`: (N, C), (N, F), (C, F), (N, C) or None -> (N, C)."""
    if mask is None:
        return torch.addmm(x, active, weight.t())
    return torch.addcmul(x, active @ weight.t(), mask)


def _normalise(x: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """`x` over its root mean square, and one over that root mean square: (N, C) -> (N, C), (N, 1)."""
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    inverse = length.square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
    return x * inverse, inverse


def _normalise_backward(gradient: Tensor, normal: Tensor, inverse: Tensor) -> Tensor:
    """The gradient of `_normalise`'s input, written over that of its output."""
    mean = (gradient * normal).sum(dim=-1, keepdim=True).div_(-normal.shape[-1])
    return gradient.addcmul_(normal, mean).mul_(inverse)


def _blocks(length: int) -> list[tuple[int, int]]:
    """Start and end of every block of queries."""
    return [(start, min(start + ATTENTION_BLOCK, length)) for start in range(0, length, ATTENTION_BLOCK)]
