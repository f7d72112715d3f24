"""Dropout whose masks are a pure function of (seed, step, sample): the same however a batch is cut into pieces."""

import numpy as np
import torch
from torch import Tensor

LEVELS = 256  # a byte of randomness decides: the share that is dropped is rounded to 1/256


def dropout_masks(
    share: float, seed: int, step: int, samples: range, *, sites: int, length: int, width: int, dtype: torch.dtype
) -> Tensor:
    """Masks of 0 and 1/(1 - share) for these samples of a step's batch: (sites, samples·length, width).

    Dropout: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html.
    """
    dropped = round(share * LEVELS)
    masks = torch.empty(sites, len(samples), length, width, dtype=dtype)
    for place, sample in enumerate(samples):
        generator = np.random.Generator(np.random.SFC64((seed, step, sample)))
        noise = np.frombuffer(generator.bytes(sites * length * width), dtype=np.uint8)
        masks[:, place] = torch.from_numpy((noise >= dropped).reshape(sites, length, width))
    return masks.mul_(LEVELS / (LEVELS - dropped)).flatten(1, 2)
