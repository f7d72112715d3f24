"""More that a supervised child can be asked to do: what looks after models once they are made. See `jobs.py`."""

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.store.artifacts import Store

if TYPE_CHECKING:
    from lm.supervision.child import Child

State = dict[str, Any]


def refresh_sources(child: "Child", state: State, *, root: str, config: Any) -> list[str]:
    """Ask whether the sources of a corpus have changed, fetch those that have, and return their names."""
    from lm.download.config import DownloadConfig
    from lm.download.refresh import refresh

    return refresh(DownloadConfig.model_validate(config), Store(Path(root)), child.progress)


def compare_models(
    child: "Child",
    state: State,
    *,
    root: str,
    clean: str,
    challenger: str | None,
    champion: str | None,
    elders: list[str],
) -> dict[str, Any]:
    """Compare models on the held-out text of a clean artifact."""
    child.use_torch()
    from lm.champions.compare_models import compare_models

    store = Store(Path(root))
    text = store.open(store.path("clean", clean))
    contest = compare_models(store, text, challenger, champion, elders, child.progress)
    return contest.model_dump(mode="json")


def make_trial_tokens(child: "Child", state: State, *, folder: str, clean: str, config: Any) -> None:
    """Train the tokenizer of one trial of a comparison, and encode the text with it."""
    from lm.tokenize.config import TokenizeConfig
    from lm.tokenizer_comparison.trial import make_tokens

    make_tokens(child, Path(folder), Path(clean), TokenizeConfig.model_validate(config))


def try_tokenizer(
    child: "Child", state: State, *, folder: str, clean: str, recipe: Any, micro_batch: int, device: str
) -> None:
    """Train the model of one trial of a comparison, and score the held-out text with it."""
    child.use_torch()
    from lm.tokenizer_comparison.trial import train_and_score

    train_and_score(child, Path(folder), Path(clean), recipe, micro_batch, device)


def describe_drift(child: "Child", state: State, *, root: str) -> dict[str, str | None]:
    """How often to retrain, and the drift curve as PNG in base64; None for that where no contest was held yet."""
    from lm.champions.champion import load_champion
    from lm.champions.drift import drift_points, how_often
    from lm.report.drift_chart import drift_png

    points = drift_points(load_champion(Store(Path(root))).decisions)
    curve = b64encode(drift_png(points)).decode() if points else None
    return {"answer": how_often(points).sentence, "curve": curve}
