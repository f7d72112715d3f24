# %% [markdown]
"""
# The newest run, opened with pandas

A notebook in plain Python: VS Code, PyCharm, Spyder and Jupyter (with jupytext) show its cells, and
`.venv/bin/python docs/newest_run.py` runs them from top to bottom. The picture goes beside the run's report. How to run
the pipeline itself from Python: `docs/library.md`.
"""

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent if "__file__" in globals() else Path.cwd()))

from lm.evaluate.result import EVALUATION_FILE
from lm.runs.run_record import list_runs, read_memory, run_folder
from lm.store.artifacts import Store
from lm.store.files import read_json

# %% The runs, the newest first
store = Store.default()
runs = list_runs(store)
if not runs:
    sys.exit("There is no run yet: `make run` makes the first one.")
table = pd.DataFrame(
    {"run": run.run_id, "status": run.status, "seconds": run.seconds, "peak_memory_bytes": run.peak_memory_bytes}
    for run in runs
)
print(table.head(10).to_string(index=False))

# %% What the newest complete one learned, and what it took
run = next((run for run in runs if "evaluate" in run.stages), runs[0])
metrics = evaluation = None
if "train" in run.stages:
    metrics = pd.read_parquet(store.root / run.stages["train"].path / "metrics.parquet")
    print(metrics.tail().to_string(index=False))
if "evaluate" in run.stages:
    evaluation = read_json(store.root / run.stages["evaluate"].path / EVALUATION_FILE)
    rivals = {name: baseline["bits_per_byte"] for name, baseline in evaluation["baselines"].items()}
    print(pd.Series({"model": evaluation["bits_per_byte"], **rivals}, name="bits per byte").sort_values().to_string())

# %% The held-out documents it finds hardest
if evaluation is not None:
    documents = pd.DataFrame(evaluation["by_document"]).sort_values("bits_per_byte", ascending=False)
    print(documents[["title", "bytes", "bits_per_byte"]].head(10).to_string(index=False))

# %% Both as a picture
memory = pd.DataFrame(read_memory(store, next((r for r in runs if r.memory), run)))
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
if metrics is not None:
    metrics.plot(x="step", y="loss", ax=left, color="#b4481a", title="loss, nats per token")
if len(memory):
    for stage, rows in memory.groupby("stage", sort=False):
        right.plot(rows["seconds"], rows["tree_bytes"] / 2**20, label=stage)
    right.set(title="memory, MiB", xlabel="seconds")
    right.legend()
figure.savefig(run_folder(store, run.run_id) / "newest_run.png", dpi=110)
