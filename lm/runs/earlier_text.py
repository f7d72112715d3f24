"""The clean text that an earlier version of a corpus gave: what trained there is not held out now."""

from lm.clean.config import CleanConfig
from lm.runs.lineage import all_artifacts
from lm.stages import CLEAN, DOWNLOAD, stage_key
from lm.store.artifacts import Artifact, Store

EARLIER = "earlier"  # the name of this input of the clean stage


def inputs_of_cleaning(store: Store, raw: Artifact, config: CleanConfig) -> dict[str, Artifact]:
    """Inputs of the clean stage for a raw artifact: itself, and the earlier clean text where the corpus has grown.

    Where these files were cleaned before with this config, the inputs are the same as then. The earlier text is the
    newest one, split with the same seed, that shares a source with the corpus by name.
    """
    artifacts = list(all_artifacts(store))
    texts = [artifact for artifact in artifacts if artifact.manifest.stage == CLEAN.name]
    raw_artifacts = {artifact.key: artifact for artifact in artifacts if artifact.manifest.stage == DOWNLOAD.name}
    texts.sort(key=lambda text: (text.manifest.created, text.key), reverse=True)
    by_key = {text.key: text for text in texts}
    for text in texts:
        inputs = text.manifest.inputs
        if inputs.get("download") == raw.key and text.key == stage_key(CLEAN.name, config, inputs):
            earlier = by_key.get(inputs.get(EARLIER, ""))
            if earlier or EARLIER not in inputs:
                return {"download": raw} | ({EARLIER: earlier} if earlier else {})
    names = _names(raw)
    for text in texts:
        source = raw_artifacts.get(text.manifest.inputs.get("download", ""))
        is_related = source and source.key != raw.key and names & _names(source)
        if is_related and text.manifest.config.get("seed") == config.seed:
            return {"download": raw, EARLIER: text}
    return {"download": raw}


def _names(raw: Artifact) -> set[str]:
    """Names of the files of a raw artifact, without their numbers."""
    return {name.partition("-")[2] for name in raw.manifest.inputs}
