"""The peer of `make bench-training`: a GPT-2 of characters, trained by the Hugging Face Trainer for so many seconds.

`python -m benchmarks.gpt2_peer '{"clean": …}'` in a process of its own; the last line it prints is JSON. `settings` in
the request replaces any of `Settings`: that is how it was tuned. It gets what its users can give it: AdamW (fused), a
cosine after a warm-up, the precision that a trial finds faster, PyTorch's own attention and GELU, no dropout (in
minutes it only costs), and the rate, batch and context that were best in trials.
"""

import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

from lm.model.scoring import token_nats
from lm.text.documents import read_documents
from lm.text.splits import Split
from lm.tokenizer.special_tokens import BOUNDARY_ID, UNKNOWN_ID

FIRST_CHARACTER_ID = max(UNKNOWN_ID, BOUNDARY_ID) + 1
CODE_POINTS = 0x110000
CHANNELS_A_LAYER = 48
WARM_UP_STEPS, MIN_TRIAL_STEPS = 2, 4
TRIAL_SECONDS = 4.0


class Characters:
    """A token for each character of the training text; any other is the unknown token."""

    def __init__(self, texts: list[str]) -> None:
        self.code_points = np.unique(np.concatenate([_code_points(text) for text in texts]))

    @property
    def vocab_size(self) -> int:
        """Tokens, the two that are no characters included."""
        return FIRST_CHARACTER_ID + len(self.code_points)

    def encode(self, text: str) -> np.ndarray:
        """One id for each character: (characters,)."""
        wanted = _code_points(text)
        places = np.minimum(np.searchsorted(self.code_points, wanted), len(self.code_points) - 1)
        return np.where(self.code_points[places] == wanted, places + FIRST_CHARACTER_ID, UNKNOWN_ID)


class Settings(NamedTuple):
    """What to train: see `tuned` and `NANOGPT` for the two that are used."""

    layers: int
    width: int
    heads: int
    context: int
    batch: int
    rate: float
    least_rate_share: float
    warm_up_share: float
    adam_beta2: float
    steps: int | None = None  # instead of seconds
    precision: str | None = None  # instead of what a trial finds faster


# The numbers of nanoGPT's README for a CPU, where dropout is 0, with the rest of config/train_shakespeare_char.py.
NANOGPT = Settings(
    layers=4, width=128, heads=4, context=64, batch=12, rate=1e-3, least_rate_share=0.1, warm_up_share=0.05,
    adam_beta2=0.99, steps=2000, precision="fp32",
)  # fmt: skip


def tuned(parameters: int, vocab_size: int) -> Settings:
    """A GPT-2 of about so many parameters, and what trained it best in trials on half a million characters."""
    context = 64
    shapes = [(layers, width) for layers in range(2, 25) for width in range(64, 2048, 32)]
    shapely = [shape for shape in shapes if 0.6 < shape[1] / (shape[0] * CHANNELS_A_LAYER) < 1.6]
    layers, width = min(shapely, key=lambda shape: abs(math.log(_parameters(shape, context, vocab_size) / parameters)))
    return Settings(
        layers=layers, width=width, heads=width // (64 if width % 64 == 0 else 32), context=context,
        batch=12, rate=3e-3, least_rate_share=0.0, warm_up_share=0.05, adam_beta2=0.99,
    )  # fmt: skip


def _parameters(shape: tuple[int, int], context: int, vocab_size: int) -> int:
    layers, width = shape
    return 12 * layers * width**2 + (13 * layers + 2 + context + vocab_size) * width


class Windows(Dataset[Tensor]):
    """Every window of the training stream, wherever it begins."""

    def __init__(self, stream: Tensor, context: int) -> None:
        self.stream, self.context = stream, context

    def __len__(self) -> int:
        return len(self.stream) - self.context + 1

    def __getitem__(self, start: int) -> Tensor:
        return self.stream[start : start + self.context]


class Clock(TrainerCallback):
    """When the training began and each step ended; ends a trial after `limit_seconds`."""

    def __init__(self, limit_seconds: float = math.inf) -> None:
        self.limit_seconds = limit_seconds
        self.moments: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start."""
        self.moments = [time.perf_counter()]

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note a step; stop where the limit is reached."""
        self.moments.append(time.perf_counter())
        enough = len(self.moments) > WARM_UP_STEPS + MIN_TRIAL_STEPS
        control.should_training_stop |= enough and self.seconds > self.limit_seconds

    @property
    def seconds(self) -> float:
        """From the beginning of the first step to the end of the last."""
        return self.moments[-1] - self.moments[0]

    @property
    def step_seconds(self) -> float:
        """The median of a step's time, the first few left out."""
        return statistics.median(np.diff(self.moments[WARM_UP_STEPS:]).tolist())


class Peer:
    """The training and the measuring of one network on one text."""

    def __init__(self, settings: Settings, stream: Tensor, vocab_size: int, device: str) -> None:
        self.settings, self.stream, self.vocab_size, self.device = settings, stream, vocab_size, device

    def new_model(self) -> GPT2LMHeadModel:
        """The network with random weights, always the same."""
        torch.manual_seed(1)
        settings = self.settings
        model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=self.vocab_size,
                n_positions=settings.context,
                n_embd=settings.width,
                n_layer=settings.layers,
                n_head=settings.heads,
                activation_function="gelu_pytorch_tanh",  # GPT-2's own, in one operation
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
                bos_token_id=BOUNDARY_ID,
                eos_token_id=BOUNDARY_ID,
                use_cache=False,
            )
        )
        model.loss_type = "ForCausalLM"  # what it is anyway, and without it is a warning
        return model

    def train(self, model: GPT2LMHeadModel, precision: str, steps: int, clock: Clock) -> None:
        """Train with the schedule for so many steps."""
        settings = self.settings
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder,
                max_steps=steps,
                per_device_train_batch_size=settings.batch,
                learning_rate=settings.rate,
                lr_scheduler_type="cosine_with_min_lr",
                lr_scheduler_kwargs={"min_lr_rate": settings.least_rate_share},
                warmup_steps=max(1, round(settings.warm_up_share * steps)),
                weight_decay=0.1,
                adam_beta2=settings.adam_beta2,
                optim="adamw_torch_fused",
                bf16=precision == "bf16",
                use_cpu=self.device == "cpu",
                save_strategy="no",
                logging_strategy="no",
                logging_nan_inf_filter=False,
                report_to=[],
                disable_tqdm=True,
                dataloader_pin_memory=False,
                remove_unused_columns=False,
                seed=1,
            )
            Trainer(
                model=model,
                args=arguments,
                train_dataset=Windows(self.stream, settings.context),
                data_collator=_collate,
                callbacks=[clock],
            ).train()

    def fastest(self, trial_seconds: float) -> tuple[str, float]:
        """The precision whose steps take less time in a trial, and that time in seconds."""
        measured: dict[str, float] = {}
        for precision in [self.settings.precision] if self.settings.precision else ["fp32", "bf16"]:
            clock = Clock(limit_seconds=trial_seconds)
            self.train(self.new_model(), precision, 10**6, clock)
            measured[precision] = clock.step_seconds
        return min(measured.items(), key=lambda entry: entry[1])


def nats_of(model: GPT2LMHeadModel, characters: Characters, texts: list[str]) -> float:
    """-ln p of all the texts, by the same overlapping windows as Slowburn's own models.

    A character that the training text does not have costs its place among all code points besides.
    """
    model.cpu().train(False)
    scored: Any = SimpleNamespace(  # what the scoring uses of Slowburn's own network
        shape=SimpleNamespace(context=model.config.n_positions),
        vocab_size=characters.vocab_size,
        hidden=lambda inputs: model.transformer(inputs).last_hidden_state,
        logits=model.lm_head,
    )
    documents = [characters.encode(text) for text in texts]
    unknown = sum(int((document == UNKNOWN_ID).sum()) for document in documents)
    known = sum(float(nats.sum(dtype=np.float64)) for nats in token_nats(scored, documents))
    return known + unknown * math.log(CODE_POINTS)


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Train and measure; `request`: clean (folder), threads, device, recipe (tuned, with parameters and seconds; or
    nanogpt).
    """
    torch.set_num_threads(request["threads"])
    texts = {
        split: [document.text for document in _documents(request["clean"], split)] for split in ("train", "heldout")
    }
    characters = Characters(texts["train"])
    parts = [np.append(BOUNDARY_ID, characters.encode(text)) for text in texts["train"]]
    stream = torch.from_numpy(np.concatenate(parts))
    settings = NANOGPT if request["recipe"] == "nanogpt" else tuned(request["parameters"], characters.vocab_size)
    settings = settings._replace(**request.get("settings", {}))
    peer = Peer(settings, stream, characters.vocab_size, request["device"])
    if settings.steps and settings.precision:
        precision, steps = settings.precision, settings.steps
    else:
        precision, step_seconds = peer.fastest(min(TRIAL_SECONDS, request["seconds"] / 4))
        steps = max(MIN_TRIAL_STEPS, round(request["seconds"] / step_seconds))
    model, clock = peer.new_model(), Clock()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    peer.train(model, precision, steps, clock)
    size = {split: sum(len(text.encode()) for text in texts[split]) for split in texts}
    tokens_per_second = steps * settings.batch * settings.context / clock.seconds
    nats = nats_of(model, characters, texts["heldout"])
    attention = 6 * settings.layers * settings.width * settings.context
    return {
        "settings": settings._asdict() | {"steps": steps, "precision": precision},
        "parameters": parameters,
        "vocab_size": characters.vocab_size,
        "seconds": clock.seconds,
        "nats_per_byte": nats / size["heldout"],
        "heldout_bytes": size["heldout"],
        "tokens_per_second": tokens_per_second,
        "bytes_per_second": tokens_per_second * size["train"] / len(stream),
        "flops_per_token": 6 * (parameters - settings.context * settings.width) + attention,
    }


def _documents(clean: str, split: Split) -> Any:
    return read_documents(Path(clean), split)


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _collate(windows: list[Tensor]) -> dict[str, Tensor]:
    batch = torch.stack(windows)
    return {"input_ids": batch, "labels": batch}


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
