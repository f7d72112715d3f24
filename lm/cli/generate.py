"""`generate`: have a model write on from a prompt, or from many."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from lm.cli.command import command, field_option, json_option, option
from lm.cli.names import model_argument, named_model
from lm.cli.standard_input import decode_text, read_standard_input
from lm.errors import BadInput
from lm.generate.config import GenerateConfig
from lm.model.sampling_params import SamplingParams
from lm.store.artifacts import Store
from lm.store.integrity import check
from lm.text.plain_text import visible

WHAT, HOW_MUCH, HOW_FREELY = "Prompts", "How much", "How freely"


def _sampling_options(function: Any) -> Any:
    for name in reversed(SamplingParams.model_fields):
        function = field_option(SamplingParams, name, section=HOW_FREELY)(function)
    return function


@command()
@model_argument
@option(
    "--prompt",
    multiple=True,
    metavar="TEXT",
    section=WHAT,
    help="beginning of a text; may be repeated; `-` reads standard input",
)
@option(
    "--prompts-from",
    type=click.Path(path_type=Path),
    section=WHAT,
    help="a text file: every line that is not empty is a prompt",
)
@option("--samples", type=int, default=1, metavar="TEXTS", section=HOW_MUCH, help="texts for each prompt")
@option("--tokens", type=int, default=256, metavar="TOKENS", section=HOW_MUCH, help="tokens of each text, at most")
@option("--stop", multiple=True, metavar="TEXT", section=HOW_MUCH, help="end before this string; may be repeated")
@_sampling_options
@option("--seed", type=int, default=1, section=HOW_FREELY, help="the same seed writes the same text")
@option("--ensemble", is_flag=True, help="use all models of a run with several seeds: the mean of their probabilities")
@json_option
def generate_command(
    name: str | None,
    prompt: tuple[str, ...],
    prompts_from: Path | None,
    ensemble: bool,
    as_json: bool,
    **settings: Any,
) -> int:
    """Write text that begins with a prompt, or with each of several.

    MODEL is a run id, a key or a path; without it the champion is used, else the newest model.
    """
    config = _config(settings, list(_prompts(prompt, prompts_from)) or [""])
    models = _models(Store.default(), name, ensemble)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small products: threads would wait for each other
    if len(config.prompts) == config.samples == 1 and not as_json:
        return _stream(models, config)
    from lm.generate.samples import written_texts  # brings numpy

    for begin, seed, text in written_texts(models, config, _tell):
        if as_json:
            print(json.dumps({"prompt": begin, "text": text, "seed": seed}, ensure_ascii=False))
        else:
            print(f"{visible(begin + text)}\n{'─' * 40}")
    return 0


def _models(store: Store, name: str | None, ensemble: bool) -> list[Path]:
    """The folders of the model, or of all the models that write as one."""
    if not ensemble:
        return [named_model(store, name).path]
    from lm.runs.seeds import ensemble_of

    models = ensemble_of(store, name)
    for model in models:
        check(model)
    return [model.path for model in models]


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
    for piece in chain([prompt], pieces):
        print(visible(piece), end="", flush=True)
    print()
    return 0


def _tell(note: str) -> None:
    print(note, file=sys.stderr)


def _config(settings: Mapping[str, object], prompts: list[str]) -> GenerateConfig:
    asked = {name: value for name, value in settings.items() if value is not None}
    try:
        return GenerateConfig.model_validate(asked | {"prompts": prompts})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"--{str(first['loc'][0]).replace('_', '-')}: got {first['input']}: {first['msg']}") from None


def _prompts(prompts: tuple[str, ...], file: Path | None) -> Iterator[str]:
    for prompt in prompts:
        yield read_standard_input() if prompt == "-" else prompt
    if file is None:
        return
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadInput(f"--prompts-from: {file} cannot be read: {error.strerror}") from None
    lines = [line for line in decode_text(content, str(file)).splitlines() if line.strip()]
    if not lines:
        raise BadInput(f"--prompts-from: {file} has no prompt in it: expected one a line")
    yield from lines
