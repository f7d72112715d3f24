"""One small flow per stage: what comes before it is reused where it is there, and made where it is not.

A stage of an earlier run again, with other settings: `-p like=newest -p 'settings=["evaluate.resamples=500"]'`.
"""

from typing import Any

from prefect import State, flow
from prefect.states import Failed

from flows.pipeline import StageName, run_stages
from flows.run_name import asked_config, flow_run_name
from lm.errors import BadInput
from lm.run_config import RunConfig

DEFAULT = RunConfig()
Settings = tuple[str, ...]


def _run_until(
    until: StageName, config: RunConfig, run_id: str | None, like: str | None, settings: Settings
) -> State[Any]:
    try:
        asked = asked_config(config, like, settings)
    except BadInput as error:
        return Failed(name="BadInput", message=str(error))
    return run_stages(asked, run_id, until, replan=False)


@flow(name="download", flow_run_name=flow_run_name)
def download(
    like: str | None = None, settings: Settings = (), config: RunConfig = DEFAULT, run_id: str | None = None
) -> State[Any]:
    """Fetch and pin the corpus.

    Args:
        like: do this stage again as the run of this name did, or the newest one; empty: as config says
        settings: what to change in that, such as train.seed=2
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    return _run_until("download", config, run_id, like, settings)


@flow(name="clean", flow_run_name=flow_run_name)
def clean(
    like: str | None = None, settings: Settings = (), config: RunConfig = DEFAULT, run_id: str | None = None
) -> State[Any]:
    """Clean and split the text.

    Args:
        like: do this stage again as the run of this name did, or the newest one; empty: as config says
        settings: what to change in that, such as train.seed=2
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    return _run_until("clean", config, run_id, like, settings)


@flow(name="tokenize", flow_run_name=flow_run_name)
def tokenize(
    like: str | None = None, settings: Settings = (), config: RunConfig = DEFAULT, run_id: str | None = None
) -> State[Any]:
    """Train the tokenizer and encode the text.

    Args:
        like: do this stage again as the run of this name did, or the newest one; empty: as config says
        settings: what to change in that, such as train.seed=2
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    return _run_until("tokenize", config, run_id, like, settings)


@flow(name="train", flow_run_name=flow_run_name)
def train(
    like: str | None = None, settings: Settings = (), config: RunConfig = DEFAULT, run_id: str | None = None
) -> State[Any]:
    """Train the model, or continue from its newest checkpoint.

    Args:
        like: do this stage again as the run of this name did, or the newest one; empty: as config says
        settings: what to change in that, such as train.seed=2
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    return _run_until("train", config, run_id, like, settings)


@flow(name="evaluate", flow_run_name=flow_run_name)
def evaluate(
    like: str | None = None, settings: Settings = (), config: RunConfig = DEFAULT, run_id: str | None = None
) -> State[Any]:
    """Measure the model on the held-out text.

    Args:
        like: do this stage again as the run of this name did, or the newest one; empty: as config says
        settings: what to change in that, such as train.seed=2
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    return _run_until("evaluate", config, run_id, like, settings)


@flow(name="generate", flow_run_name=flow_run_name)
def generate(
    like: str | None = None, settings: Settings = (), config: RunConfig = DEFAULT, run_id: str | None = None
) -> State[Any]:
    """Have the model write.

    Args:
        like: do this stage again as the run of this name did, or the newest one; empty: as config says
        settings: what to change in that, such as train.seed=2
        config: what to train on, and the time and memory it may take
        run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
    """
    return _run_until("generate", config, run_id, like, settings)
