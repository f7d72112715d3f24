"""One small flow per stage: what comes before it is reused where it is there, and made where it is not."""

from typing import Any

from prefect import State, flow

from flows.pipeline import run_stages
from flows.run_name import flow_run_name
from lm.run_config import RunConfig

DEFAULT = RunConfig()


@flow(name="download", flow_run_name=flow_run_name)
def download(config: RunConfig = DEFAULT, run_id: str | None = None) -> State[Any]:
    """Fetch and pin the corpus."""
    return run_stages(config, run_id, until="download", replan=False)


@flow(name="clean", flow_run_name=flow_run_name)
def clean(config: RunConfig = DEFAULT, run_id: str | None = None) -> State[Any]:
    """Clean and split the text."""
    return run_stages(config, run_id, until="clean", replan=False)


@flow(name="tokenize", flow_run_name=flow_run_name)
def tokenize(config: RunConfig = DEFAULT, run_id: str | None = None) -> State[Any]:
    """Train the tokenizer and encode the text."""
    return run_stages(config, run_id, until="tokenize", replan=False)


@flow(name="train", flow_run_name=flow_run_name)
def train(config: RunConfig = DEFAULT, run_id: str | None = None) -> State[Any]:
    """Train the model, or continue from its newest checkpoint."""
    return run_stages(config, run_id, until="train", replan=False)


@flow(name="evaluate", flow_run_name=flow_run_name)
def evaluate(config: RunConfig = DEFAULT, run_id: str | None = None) -> State[Any]:
    """Measure the model on the held-out text."""
    return run_stages(config, run_id, until="evaluate", replan=False)


@flow(name="generate", flow_run_name=flow_run_name)
def generate(config: RunConfig = DEFAULT, run_id: str | None = None) -> State[Any]:
    """Have the model write."""
    return run_stages(config, run_id, until="generate", replan=False)
