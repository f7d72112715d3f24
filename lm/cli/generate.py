"""`python -m lm generate`: have a model write on from a prompt, or from many."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from lm.cli.command import Command, add_json, add_model_name, named_model
from lm.cli.standard_input import decode_text, read_standard_input
from lm.errors import BadInput
from lm.generate.config import GenerateConfig
from lm.model.sampling_params import SamplingParams
from lm.store.artifacts import Store
from lm.text.plain_text import visible


def _declare(parser: argparse.ArgumentParser) -> None:
    add_model_name(parser)
    parser.add_argument(
        "--ensemble", action="store_true", help="write with all seeds of the run at once: the mean of what they expect"
    )
    parser.add_argument("--prompt", action="append", help="what to write on from; may be repeated; `-` reads stdin")
    parser.add_argument("--prompts-from", type=Path, help="a text file: every line that is not empty is a prompt")
    parser.add_argument("--samples", type=int, default=1, help="texts for each prompt (default 1)")
    parser.add_argument("--tokens", type=int, default=256, help="most tokens to write (default 256)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed writes the same text (default 1)")
    parser.add_argument("--stop", action="append", default=[], help="end before this string; may be repeated")
    for field, description in SamplingParams.model_fields.items():
        kind = int if description.annotation is int else float
        flag = f"--{field.replace('_', '-')}"
        parser.add_argument(flag, type=kind, default=description.default, help=description.description)
    add_json(parser)


def _generate(options: argparse.Namespace) -> int:
    config = _config(options)
    models = _models(Store.default(), options)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small products: threads would wait for each other
    if len(config.prompts) == config.samples == 1 and not options.json:
        return _stream(models, config)
    from lm.generate.samples import written_texts  # brings numpy

    for prompt, seed, text in written_texts(models, config, _tell):
        if options.json:
            print(json.dumps({"prompt": prompt, "text": text, "seed": seed}, ensure_ascii=False))
        else:
            print(f"{visible(prompt + text)}\n{'─' * 40}")
    return 0


def _models(store: Store, options: argparse.Namespace) -> list[Path]:
    """The folders of the model, or of all the models that write as one."""
    if not options.ensemble:
        return [named_model(store, options.name).path]
    from lm.runs.seeds import ensemble_of

    return [model.path for model in ensemble_of(store, options.name)]


def _stream(models: list[Path], config: GenerateConfig) -> int:
    from lm.generate.stage import stream

    (prompt,) = config.prompts
    model, *replicas = models
    pieces = stream(
        model,
        prompt,
        config,
        tokens=config.tokens,
        seed=config.seed,
        stop=config.stop,
        tell=_tell,
        replicas=replicas,
    )
    print(prompt, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
    return 0


def _tell(note: str) -> None:
    print(note, file=sys.stderr)


def _config(options: argparse.Namespace) -> GenerateConfig:
    values = {
        name: getattr(options, name) for name in (*SamplingParams.model_fields, "samples", "tokens", "seed", "stop")
    }
    prompts = list(_prompts(options)) or [""]
    try:
        return GenerateConfig.model_validate(values | {"prompts": prompts})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"--{str(first['loc'][0]).replace('_', '-')}: got {first['input']}: {first['msg']}") from None


def _prompts(options: argparse.Namespace) -> Iterator[str]:
    for prompt in options.prompt or []:
        yield read_standard_input() if prompt == "-" else prompt
    if options.prompts_from is None:
        return
    try:
        content = options.prompts_from.read_bytes()
    except OSError as error:
        raise BadInput(f"--prompts-from: {options.prompts_from} cannot be read: {error.strerror}") from None
    lines = [line for line in decode_text(content, str(options.prompts_from)).splitlines() if line.strip()]
    if not lines:
        raise BadInput(f"--prompts-from: {options.prompts_from} has no prompt in it: expected one a line")
    yield from lines


GENERATE = Command("have a model write on from a prompt", _declare, _generate)
