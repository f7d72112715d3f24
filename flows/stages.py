"""One small flow per stage: what comes before it is reused where it is there, and made where it is not.

A stage of an earlier run again, with other settings: `-p like=newest -p 'settings=["evaluate.resamples=500"]'`.
"""

from typing import Any

from prefect import Flow, State, flow

from flows.outcome import bad_input
from flows.pipeline import run_stages
from flows.run_name import asked_config, flow_run_name
from lm.errors import BadInput
from lm.pipeline.run import StageName
from lm.run_config import RunConfig

DEFAULT = RunConfig()
Settings = tuple[str, ...]


def _stage_flow(stage: StageName, description: str) -> Flow[..., State[Any]]:
    """The flow that ends with this stage."""

    @flow(name=stage, flow_run_name=flow_run_name, description=description)
    def run_stage(
        like: str | None = None,
        settings: Settings = (),
        config: RunConfig = DEFAULT,
        settings_file: str | None = None,
        run_id: str | None = None,
    ) -> State[Any]:
        """Do one stage.

        Args:
            like: do this stage again as the run of this name did, or the newest one; empty: as config says
            settings: what to change in that, such as train.seed=2
            config: what to train on, and the time and memory it may take
            settings_file: path of a slowburn.toml; what config says wins
            run_id: name of the run's folder in artifacts/runs; empty: made of the time and this run's name
        """
        try:
            asked = asked_config(config, settings_file, like, settings)
        except BadInput as error:
            return bad_input(error)
        return run_stages(asked, run_id, stage, replan=False)

    return run_stage


download = _stage_flow("download", "Fetch and pin the corpus.")
clean = _stage_flow("clean", "Clean and split the text.")
tokenize = _stage_flow("tokenize", "Train the tokenizer and encode the text.")
train = _stage_flow("train", "Train the model, or continue from its newest checkpoint.")
evaluate = _stage_flow("evaluate", "Measure the model on the held-out text.")
generate = _stage_flow("generate", "Write samples with the model.")
