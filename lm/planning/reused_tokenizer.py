"""The tokenizer of an earlier run, taken as it is: found in the store, and put into the config."""

from lm.errors import BadInput
from lm.run_config import RunConfig
from lm.runs.find import find
from lm.runs.run_record import RunRecord
from lm.store.artifacts import Artifact, Store
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.metrics import TokenizeMetrics


def find_tokenizer(store: Store, name: str) -> Artifact:
    """The tokens whose tokenizer is meant by `name`: a run, or the key of tokens or of a model made from some.

    Raises BadInput when there are none.
    """
    found = find(store, name)
    if isinstance(found, RunRecord):
        stage = found.stages.get("tokenize")
        key = stage.key if stage else ""
    else:
        key = found.key if found.manifest.stage == "tokenize" else found.manifest.inputs.get("tokenize", "")
    if not key:
        raise BadInput(f"tokenize.from_run: {name} has no tokenizer: expected a run, or the key of tokens or a model")
    artifact = store.find("tokenize", key)
    if artifact is None:
        raise BadInput(f"tokenize.from_run: the tokens {key} of {name} are not here any more: name another run")
    return artifact


def reused_tokenizer(store: Store, config: RunConfig) -> tuple[RunConfig, Artifact | None]:
    """The config with the kind and size of the tokenizer that `tokenize.from_run` names, and the tokens it is from.

    Raises BadInput where the config asks for another one too.
    """
    asked = config.tokenize
    if asked.from_run is None:
        return config, None
    if config.init_from is not None:
        raise BadInput("tokenize.from_run: the model to start from brings its own tokenizer: leave one of them out")
    artifact = find_tokenizer(store, asked.from_run)
    metrics = artifact.read_metrics(TokenizeMetrics)
    kind, vocab_size = metrics.kind, metrics.vocab_size
    for name, own in (("kind", kind), ("vocab_size", vocab_size)):
        if name in asked.model_fields_set and getattr(asked, name) not in (None, own):
            raise BadInput(f"tokenize.{name}: got {getattr(asked, name)}, but {asked.from_run} has {own}: leave it out")
    taken = TokenizeConfig(from_run=artifact.key, kind=kind, vocab_size=vocab_size)
    return config.model_copy(update={"tokenize": taken}), artifact
