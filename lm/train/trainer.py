"""The training loop's one step, and all that is needed to continue it elsewhere with the same bits."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import torch
from torch import Tensor

from lm.errors import BadInput
from lm.model.config import TrainingConfig
from lm.model.decoder import Decoder
from lm.tokenizer.merge_table import MergeTable
from lm.tokenizer.tokens import TokenSource
from lm.train.batches import Batches
from lm.train.bpe_dropout import WHOLE_LR_MULTIPLIER, BpeDropout
from lm.train.dropout import dropout_masks
from lm.train.optimiser import lr_multiplier, make_optimisers, set_rates

MAX_GRADIENT_NORM = 1.0
AVERAGE_EVERY = 8  # steps: the average is no worse for it, and costs an eighth


class Trainer:
    """Trains one model, one optimiser step at a time.

    Which samples a step sees and all its randomness are pure functions of (seed, step), so `state` needs no generator
    and a restored trainer goes on with the very bits that an uninterrupted one would have had. Threads and other
    process-wide settings are the caller's.
    """

    def __init__(
        self,
        recipe: TrainingConfig,
        vocab_size: int,
        tokens: TokenSource,
        *,
        micro_batch: int,
        device: str = "cpu",
        init: Path | None = None,
        merge_table: MergeTable | None = None,
    ) -> None:
        """`tokens`: (N,) training ids; `micro_batch`: sequences computed at once, a divisor of the step's batch.

        `merge_table`: of the vocabulary's pieces; without them a text is always read in the same tokens.
        `init`: a model folder of the same shape, whose weights to start from instead of random ones.
        """
        if recipe.batch_sequences % micro_batch:
            raise BadInput(f"a micro-batch of {micro_batch} does not divide the batch of {recipe.batch_sequences}")
        self.recipe, self.micro_batch, self.device = recipe, micro_batch, torch.device(device)
        self.tokens = tokens
        # The first ones: of a text that goes on, its end is worth most for what comes after it.
        self.kept_back_tokens = round(recipe.kept_back_share * len(tokens))
        self.batches = Batches(tokens, self.kept_back_tokens, recipe.context, recipe.batch_sequences, recipe.seed)
        self.bpe_dropout = BpeDropout(merge_table, recipe.merge_dropout, recipe.seed) if merge_table else None
        self.model = Decoder(recipe, vocab_size, torch.bfloat16 if recipe.precision == "bf16" else torch.float32)
        self.model.initialise(recipe.seed)
        if init:
            self.model.load_weights(init)
        self.model.to(self.device).train()
        averages = recipe.average_share > 0
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters() if averages}
        self.optimisers = make_optimisers(self.model, recipe)
        self._create_adam_state()
        self.step_index = 0  # optimiser steps done
        self.is_updating = False  # a step that fails before this has changed nothing
        self.rate_factor = 1.0  # of all learning rates: halved where training diverged

    def step(self) -> float:
        """One optimiser step; returns the mean loss of its batch in nats per token, measured before the update."""
        loss = self._accumulate_gradients(self._batch())
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        set_rates(self.optimisers, self.recipe, self.step_index, self.rate_factor)
        self.is_updating = True
        for optimiser in self.optimisers:
            optimiser.step()
        self.clear_gradients()
        self.step_index += 1
        self._update_average()
        self.is_updating = False
        return loss

    def _batch(self) -> Tensor:
        """What this step learns from: (B, T+1) token ids."""
        batch = self.batches.at(self.step_index)
        if self.bpe_dropout and lr_multiplier(self.step_index, self.recipe) > WHOLE_LR_MULTIPLIER:
            batch = self.bpe_dropout.of(batch, self.step_index)
        return torch.from_numpy(batch).to(self.device)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the averaged weights towards the present ones, by less and less: the average spans a share of all steps.

        An average that weighs step t by a power of t: Karras et al. 2023, https://arxiv.org/abs/2312.02696, 3.1.
        """
        step = self.step_index
        if self.average and (step % AVERAGE_EVERY == 0 or step == self.recipe.steps):
            weight = AVERAGE_EVERY / (AVERAGE_EVERY + self.recipe.average_share * step)
            for name, parameter in self.model.named_parameters():
                self.average[name].lerp_(parameter, weight)

    def published(self) -> AbstractContextManager[Decoder]:
        """The model with the weights that would be published now, while the block lasts."""
        return self.showing(self.average)

    @contextmanager
    def showing(self, weights: dict[str, Tensor]) -> Iterator[Decoder]:
        """The model with these weights, and its own where there are none, while the block lasts."""
        present = {name: parameter.data for name, parameter in self.model.named_parameters()}
        for name, parameter in self.model.named_parameters():
            parameter.data = weights.get(name, parameter.data).to(self.device)
        try:
            yield self.model
        finally:
            for name, parameter in self.model.named_parameters():
                parameter.data = present[name]

    def _accumulate_gradients(self, batch: Tensor) -> float:
        """Gradients of the mean loss over the batch (B, T+1), a micro-batch at a time."""
        share = self.micro_batch / len(batch)
        total = 0.0
        for start in range(0, len(batch), self.micro_batch):
            part = batch[start : start + self.micro_batch]
            masks = self._dropout_masks(range(start, start + self.micro_batch))
            total += self._add_gradients(part, masks, share)
        return total

    def _add_gradients(self, part: Tensor, masks: Tensor | None, share: float) -> float:
        """One micro-batch; all that it kept is given back on return, before the next one keeps its own."""
        loss = self.model.loss(part[:, :-1], part[:, 1:], masks, recompute=self.recipe.recompute) * share
        torch.autograd.backward(loss)
        return float(loss.item())

    def clear_gradients(self) -> None:
        """Forget the gradients. Where several micro-batches add to them, their memory stays where it is: found anew
        among the activations of the first, it would leave too little room in one piece for those of the next.
        """
        for parameter in self.model.parameters():
            if self.micro_batch == self.recipe.batch_sequences:
                parameter.grad = None
            elif parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            else:
                parameter.grad.zero_()

    def _dropout_masks(self, samples: range) -> Tensor | None:
        """Masks for these samples of the step's batch; None without dropout."""
        recipe = self.recipe
        if not recipe.dropout:
            return None
        masks = dropout_masks(
            recipe.dropout,
            recipe.seed,
            self.step_index,
            samples,
            sites=2 * recipe.layers + 1,
            length=recipe.context,
            width=recipe.width,
            dtype=self.model.compute_dtype,
        )
        return masks.to(self.device)

    def state(self) -> dict[str, Tensor]:
        """All that resuming needs, by name: the tensors are the live ones, so write them before the next step."""
        return {"step": torch.tensor(self.step_index)} | dict(self._tensors())

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from what `state` gave. Raises BadInput if it is not the state of such a trainer."""
        expected = dict(self._tensors())
        for name, tensor in expected.items():
            if name not in state or state[name].shape != tensor.shape:
                raise BadInput(
                    f"the checkpoint has no {name} of shape {tuple(tensor.shape)}: it belongs to another model"
                )
        with torch.no_grad():
            for name, tensor in expected.items():
                tensor.copy_(state[name])
        self.step_index = int(state["step"])

    def final_weights(self) -> dict[str, Tensor]:
        """The weights to publish, under Hugging Face's names: the average, where one is kept."""
        return self.average or {name: parameter.detach() for name, parameter in self.model.named_parameters()}

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor that a step changes. The rates are not among them: they follow from the step."""
        for name, parameter in self.model.named_parameters():
            yield f"model.{name}", parameter.detach()
        for name, tensor in self.average.items():
            yield f"average.{name}", tensor
        names: dict[Tensor, str] = {parameter: name for name, parameter in self.model.named_parameters()}
        for optimiser in self.optimisers:
            for owner, tensors in optimiser.state.items():
                for kind, tensor in tensors.items():
                    yield f"optimiser.{names[owner]}.{kind}", tensor

    def _create_adam_state(self) -> None:
        """Let AdamW allocate what it keeps for each parameter, by a step of rate zero, and zero it."""
        _, adam = self.optimisers
        for group in adam.param_groups:
            group["lr"] = 0.0
            for parameter in group["params"]:
                parameter.grad = torch.zeros_like(parameter)
        adam.step()
        for tensors in adam.state.values():
            for tensor in tensors.values():
                tensor.zero_()
        self.clear_gradients()
