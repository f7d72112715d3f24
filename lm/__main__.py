"""`python -m lm`: use what the stages made. No Prefect, no server, no network."""

import argparse
import os
import sys
from collections.abc import Callable

from pydantic import ValidationError
from rich.console import Console

from lm.errors import BadInput, SlowburnError
from lm.inspect_artifacts import Listing, RunView, find, list_all, show
from lm.inspect_tables import print_artifact, print_listing, print_run, print_verification
from lm.next_token import Sampling
from lm.run_record import RunRecord
from lm.store import Artifact, Store
from lm.verify_artifacts import verify


def main() -> int:
    """Do one command; returns the exit code."""
    options = _parse()
    work: Callable[[argparse.Namespace], int] = options.work
    try:
        return work(options)
    except SlowburnError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lm", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("name", nargs="?", help="a run id, the beginning of a key, or a path")
    named.add_argument("--json", action="store_true", help="print JSON instead of tables")

    inspecting = commands.add_parser("inspect", parents=[named], help="list runs and artifacts, or show one")
    inspecting.set_defaults(work=_inspect)
    verifying = commands.add_parser("verify", parents=[named], help="hash every file again and name what is damaged")
    verifying.set_defaults(work=_verify)

    writing = commands.add_parser("generate", help="have a model write on from a prompt")
    writing.add_argument("name", nargs="?", help="a model: run id, key or path; the newest where none is given")
    writing.add_argument("--prompt", default="", help="what to write on from; `-` reads standard input")
    writing.add_argument("--tokens", type=int, default=256, help="most tokens to write (default 256)")
    writing.add_argument("--seed", type=int, default=1, help="the same seed writes the same text (default 1)")
    for field, description in Sampling.model_fields.items():
        kind = int if description.annotation is int else float
        flag = f"--{field.replace('_', '-')}"
        writing.add_argument(flag, type=kind, default=description.default, help=description.description)
    writing.set_defaults(work=_generate)
    return parser.parse_args()


def _inspect(options: argparse.Namespace) -> int:
    view = show(Store.default(), options.name) if options.name else list_all(Store.default())
    if options.json:
        print(view.model_dump_json(indent=2))
    elif isinstance(view, Listing):
        print_listing(view, Console())
    elif isinstance(view, RunView):
        print_run(view, Console())
    else:
        print_artifact(view, Console())
    return 0


def _verify(options: argparse.Namespace) -> int:
    verification = verify(Store.default(), options.name)
    if options.json:
        print(verification.model_dump_json(indent=2))
    else:
        print_verification(verification, Console())
    return 1 if verification.damages else 0


def _generate(options: argparse.Namespace) -> int:
    sampling = _sampling(options)
    model = _model(Store.default(), options.name)
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


def _model(store: Store, name: str | None) -> Artifact:
    """The named model, or the model of the named run, or the newest one."""
    if name is None:
        models = store.list("train")
        if not models:
            raise BadInput("there is no model yet: `make run` trains one")
        return models[-1]
    found = find(store, name)
    if isinstance(found, RunRecord):
        train = found.stages.get("train")
        if train is None:
            raise BadInput(f"run {name} has no model: it was {found.status} before training was complete")
        return store.open(store.root / train.path)
    if found.manifest.stage != "train":
        raise BadInput(f"{name} is an artifact of {found.manifest.stage}, expected a model")
    return found


if __name__ == "__main__":
    sys.exit(main())
