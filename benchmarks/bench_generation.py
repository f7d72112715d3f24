"""How fast a model writes, beside transformers on the same exported weights, and llama.cpp where it was built.

`make bench-generation`; arguments: model names as `slowburn generate` knows them, none for three shapes with
random weights. One thread, one run, alternating, the best of three; the ratios are what to look at.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import torch
from transformers import AutoModelForCausalLM

from lm.cli.names import named_model
from lm.errors import SlowburnError
from lm.model.batch_sampling import Request, continuations
from lm.model.config import ModelConfig
from lm.model.decoder import Decoder, save_model
from lm.model.inference import Inference
from lm.model.sampling_params import SamplingParams
from lm.store.artifacts import Store
from lm.tokenizer.special_tokens import BOUNDARY_ID

PROJECT = Path(__file__).parent.parent
LLAMA_PYTHON = Path(os.environ.get("LLAMA_CPP_PYTHON") or PROJECT / ".venv-gguf" / "bin" / "python")
TOKENS, BATCH, REPEATS = 100, 16, 3
SHAPES = [(192, 4, 2, 1024), (256, 5, 2, 2048), (384, 7, 3, 4096)]  # width, layers, heads, vocabulary
LOGITS_SPREAD = 2.4  # nats; that of a model after three minutes of training
SAMPLING = SamplingParams(temperature=0.8, top_p=0.95)


def random_model(folder: Path, width: int, layers: int, heads: int, vocab_size: int) -> Path:
    """A folder with a model of random weights, as sure of the next token as one that was trained: that is what the
    choice among the likeliest takes its time by.
    """
    shape = ModelConfig(layers=layers, width=width, heads=heads, kv_heads=heads, mlp_width=4 * width, context=256)
    model = Decoder(shape, vocab_size)
    model.initialise(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                parameter.normal_(std=0.02, generator=torch.Generator().manual_seed(len(name)))
        spread = model.model.embed_tokens.weight.std() * width**0.5  # of the logits, before the norm's weight
        model.model.norm.weight.fill_(LOGITS_SPREAD / spread)
    path = folder / f"{width}x{layers}"
    path.mkdir()
    save_model(path, shape, vocab_size, dict(model.named_parameters()))
    return path


def tokens_per_second(write: Callable[[], int]) -> float:
    """Of the fastest of several goes."""
    rates = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        written = write()
        rates.append(written / (time.perf_counter() - started))
    return max(rates)


def rates(folder: Path) -> dict[str, float | None]:
    """Tokens per second of ours and theirs, one text at a time and BATCH at a time."""
    ours = Inference.load(folder)
    theirs: Any = AutoModelForCausalLM.from_pretrained(folder)  # its types do not know `generate`'s settings
    theirs.generation_config.eos_token_id = None

    def write(batch: int) -> int:
        return sum(map(len, continuations(ours, [Request([50], seed, SAMPLING) for seed in range(batch)], TOKENS)))

    def generate(batch: int) -> int:
        prompt = torch.tensor([[BOUNDARY_ID, 50]]).repeat(batch, 1)
        settings = {"do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 0, "pad_token_id": BOUNDARY_ID}
        written: int = theirs.generate(prompt, max_new_tokens=TOKENS, **settings).shape[1]
        return batch * (written - 2)

    found: dict[str, float | None] = {}
    for batch in (1, BATCH):
        found[f"ours {batch}"] = tokens_per_second(partial(write, batch))
        found[f"transformers {batch}"] = tokens_per_second(partial(generate, batch))
    found["llama.cpp 1"] = llama_rate(folder)
    return found


def llama_rate(folder: Path) -> float | None:
    """llama.cpp on the exported GGUF, driven from Python as its users do; None where it was not built."""
    if not LLAMA_PYTHON.exists() or not (folder / "tokenizer.model").exists():
        return None
    from lm.export.gguf import write_gguf

    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "model.gguf"
        write_gguf(folder, file, name="bench", licence="none")
        request = json.dumps({"file": str(file), "texts": [], "documents": [], "speed_tokens": TOKENS})
        reader = PROJECT / "tests" / "lm" / "read_gguf.py"
        done = subprocess.run([LLAMA_PYTHON, reader], input=request, capture_output=True, text=True, check=True)
    seconds: float = json.loads(done.stdout)["seconds_per_token"]
    return 1 / seconds


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        if sys.argv[1:]:
            try:
                folders = [named_model(Store.default(), name).path for name in sys.argv[1:]]
            except SlowburnError as error:
                sys.exit(str(error))
        else:
            folders = [random_model(Path(scratch), *shape) for shape in SHAPES]
        print(f"tokens a second, {TOKENS} tokens, one thread; in brackets: ours over theirs\n")
        print(f"{'model':18}{'ours, 1':>10}{'transformers, 1':>22}{'llama.cpp, 1':>20}", end="")
        print(f"{f'ours, {BATCH}':>12}{f'transformers, {BATCH}':>22}")
        for folder in folders:
            found = rates(folder)
            one, many = found["ours 1"] or 0.0, found[f"ours {BATCH}"] or 0.0
            cells = [f"{folder.name[:17]:18}{one:10,.0f}", _beside(found["transformers 1"], one, 22)]
            cells += [_beside(found["llama.cpp 1"], one, 20), f"{many:12,.0f}"]
            print("".join([*cells, _beside(found[f"transformers {BATCH}"], many, 22)]), flush=True)


def _beside(theirs: float | None, ours: float, width: int) -> str:
    return f"{'not built' if theirs is None else f'{theirs:,.0f} ({ours / theirs:.1f})':>{width}}"


if __name__ == "__main__":
    main()
