"""`python -m lm generate`: have a model write on from a prompt."""

import argparse
import sys

from pydantic import ValidationError

from lm.command import Command, add_model_name, named_model
from lm.errors import BadInput
from lm.next_token import Sampling
from lm.store import Store


def _declare(parser: argparse.ArgumentParser) -> None:
    add_model_name(parser)
    parser.add_argument("--prompt", default="", help="what to write on from; `-` reads standard input")
    parser.add_argument("--tokens", type=int, default=256, help="most tokens to write (default 256)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed writes the same text (default 1)")
    for field, description in Sampling.model_fields.items():
        kind = int if description.annotation is int else float
        flag = f"--{field.replace('_', '-')}"
        parser.add_argument(flag, type=kind, default=description.default, help=description.description)


def _generate(options: argparse.Namespace) -> int:
    sampling = _sampling(options)
    model = named_model(Store.default(), options.name)
    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    from lm.generate import stream  # brings torch

    pieces = stream(model.path, prompt, sampling, tokens=options.tokens, seed=options.seed, tell=_tell)
    print(prompt, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
    return 0


def _tell(note: str) -> None:
    print(note, file=sys.stderr)


def _sampling(options: argparse.Namespace) -> Sampling:
    values = {name: getattr(options, name) for name in Sampling.model_fields}
    try:
        return Sampling.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"--{str(first['loc'][0]).replace('_', '-')}: got {first['input']}: {first['msg']}") from None


GENERATE = Command("generate", "have a model write on from a prompt", _declare, _generate)
