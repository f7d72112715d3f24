"""torch's Muon with the matrices of one shape in one batched product, and three iterations where it takes five.

Muon: orthogonalised momentum, https://kellerjordan.github.io/posts/muon/.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Muon

# Of matrices in one product, beyond which only memory grows: a card has more to be kept busy.
STACK_VALUES, CARD_STACK_VALUES = 500_000, 2_000_000
# Of x, x³, x⁵: one after another they bring singular values of 0.01 to 1 to between 0.73 and 1.27, closer than
# any other three do. Found as in Polar Express, https://arxiv.org/abs/2505.16932.
POLYNOMIALS = ((8.0934, -23.6204, 17.4462), (3.6366, -2.7219, 0.5365), (2.6613, -1.9772, 0.4526))
MIN_NORM = 1e-7  # a smaller gradient stays small
WIDE = 2  # columns to a row, from which it is faster to iterate on the Gram matrix; bf16 is too coarse for that
SAFETY = 1.01  # above 1 the first of them is steep, and rounding in bf16 must not come there


class _Stack(NamedTuple):
    """Matrices that are alike once the tall ones are laid on their side, and their momentum: (n, rows, columns)."""

    members: list[Tensor]
    momentum: Tensor


class BatchedMuon(Muon):
    """`torch.optim.Muon` with Nesterov momentum and `POLYNOMIALS`, computed in `dtype`."""

    def __init__(self, params: Sequence[Tensor], *, momentum: float, weight_decay: float, dtype: torch.dtype) -> None:
        """`params`: matrices, where they are to stay; the learning rate is set before every step."""
        super().__init__(params, lr=0.0, momentum=momentum, weight_decay=weight_decay)
        self.dtype = dtype
        self._stacks = self._make_stacks(list(params))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # returns no loss
        """One step on all matrices; every one has a gradient."""
        (group,) = self.param_groups
        for stack in self._stacks:
            self._move(stack, group)

    def _move(self, stack: _Stack, group: dict[str, Any]) -> None:
        """One step on the matrices of a stack; all that it took is given back on return, before the next one."""
        gradients = torch.stack([_lying(matrix.grad) for matrix in stack.members])
        stack.momentum.lerp_(gradients, 1 - group["momentum"])
        update = gradients.lerp_(stack.momentum, group["momentum"])
        for matrix, change in zip(stack.members, orthogonalised(update.to(self.dtype)), strict=True):
            rate = group["lr"] * max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            _lying(matrix).mul_(1 - group["lr"] * group["weight_decay"]).add_(change, alpha=-rate)

    def _make_stacks(self, matrices: list[Tensor]) -> list[_Stack]:
        """Put matrices of one shape together; what the optimiser keeps of each is a view into its stack."""
        stacks: list[_Stack] = []
        values = STACK_VALUES if matrices[0].device.type == "cpu" else CARD_STACK_VALUES
        for shape in sorted({_lying(matrix).shape for matrix in matrices}):
            alike = [matrix for matrix in matrices if _lying(matrix).shape == shape]
            count = max(1, values // shape.numel())
            for start in range(0, len(alike), count):
                stacks.append(self._make_stack(alike[start : start + count]))
        return stacks

    def _make_stack(self, members: list[Tensor]) -> _Stack:
        shape = _lying(members[0]).shape
        momentum = torch.zeros(len(members), *shape, device=members[0].device)
        for matrix, view in zip(members, momentum, strict=True):
            self.state[matrix]["momentum_buffer"] = view if matrix.shape == shape else view.t()
        return _Stack(members, momentum)


def orthogonalised(x: Tensor) -> Tensor:
    """Matrices near the orthogonal ones that are nearest to these: (n, rows, columns) -> the same; rows <= columns."""
    x = x / (x.norm(dim=(1, 2), keepdim=True) * SAFETY).clamp_(min=MIN_NORM)
    if x.dtype == torch.float32 and x.shape[2] >= WIDE * x.shape[1]:
        return _factor(x @ x.transpose(1, 2)) @ x
    for a, b, c in POLYNOMIALS:
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _factor(gram: Tensor) -> Tensor:
    """What the iterations multiply x by, in all, from its Gram matrix (n, rows, rows): the next one follows from it.

    Products of small square matrices take the place of most of those with a wide x.
    """
    polynomial = factor = _polynomial(gram, POLYNOMIALS[0])
    for coefficients in POLYNOMIALS[1:]:
        gram = polynomial @ gram @ polynomial
        polynomial = _polynomial(gram, coefficients)
        factor = polynomial @ factor
    return factor


def _polynomial(gram: Tensor, coefficients: tuple[float, float, float]) -> Tensor:
    a, b, c = coefficients
    polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    polynomial.diagonal(dim1=1, dim2=2).add_(a)
    return polynomial


def _lying(matrix: Tensor | None) -> Tensor:
    """The matrix, or its transpose where it is taller than wide."""
    assert matrix is not None
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.t()
