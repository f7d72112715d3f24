"""All that can be set: a run, and besides what a retraining is told."""

from lm.champions.retraining import RetrainPolicy
from lm.run_config import RunConfig

POLICY = "policy"


class Settings(RunConfig):
    """A run, and the policy of a retraining."""

    policy: RetrainPolicy = RetrainPolicy()

    @property
    def run(self) -> RunConfig:
        """The settings of the run alone."""
        return RunConfig.model_validate({name: getattr(self, name) for name in self.model_fields_set - {POLICY}})
