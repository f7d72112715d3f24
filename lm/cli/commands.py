"""All commands that need no Prefect, by section."""

from lm.cli.group import Entry

TRAIN = "Train"
USE = "Use a model"
CHOOSE = "Compare and choose"
KEEP = "What there is"

ENTRIES = (
    Entry("plan", TRAIN, "predict time, memory and quality of a run, before it starts", "lm.cli.plan"),
    Entry("init", TRAIN, "write a settings file to change, slowburn.toml", "lm.cli.settings"),
    Entry("settings", TRAIN, "list every setting, and where its value comes from", "lm.cli.settings"),
    Entry("pause", TRAIN, "pause a run: a training saves first", "lm.cli.pause"),
    Entry("resume", TRAIN, "continue a paused run", "lm.cli.pause"),
    Entry("generate", USE, "write text that begins with a prompt", "lm.cli.generate"),
    Entry("trace", USE, "find the passages of the training text that a text contains", "lm.cli.trace"),
    Entry("export", USE, "write a model for transformers, or for llama.cpp and ollama", "lm.cli.export"),
    Entry("compare", CHOOSE, "find by a paired test which of two models is better", "lm.cli.compare"),
    Entry("compare-tokenizers", CHOOSE, "find which kind of tokenizer suits a text", "lm.cli.tokenizers"),
    Entry("champion", CHOOSE, "show the champion, what was decided, and how often to retrain", "lm.cli.champion"),
    Entry("promote", CHOOSE, "make a model the champion, which is used where none is named", "lm.cli.champion"),
    Entry("rollback", CHOOSE, "bring back the champion before this one", "lm.cli.champion"),
    Entry("inspect", KEEP, "list runs and artifacts, or show one", "lm.cli.store"),
    Entry("tensorboard", KEEP, "write a run's curve for TensorBoard, while it goes on too", "lm.cli.tensorboard"),
    Entry("verify", KEEP, "hash every file again and list the damaged ones", "lm.cli.store"),
    Entry("prune", KEEP, "remove what has not been used for longest, to keep a disk budget", "lm.cli.prune"),
    Entry("doctor", KEEP, "print what a bug report needs, and nothing private", "lm.cli.doctor"),
)
