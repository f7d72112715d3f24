"""The sentences of a report: what a run's numbers mean, for a reader who sees such numbers for the first time."""

from collections.abc import Iterator
from typing import NamedTuple

from lm.formatting import format_bytes, format_count, format_duration, format_text_size, listing, spoken_duration
from lm.report.run_facts import Evaluation, RunFacts
from lm.runs.run_record import RunRecord, StageRecord, TrainRecord, UnfinishedStage
from lm.stages import stage_names

DOING = {
    "download": "downloading",
    "clean": "cleaning the text",
    "tokenize": "tokenizing",
    "plan": "planning",
    "train": "training",
    "compressors": "measuring the compressors",
    "evaluate": "evaluating",
    "generate": "generating",
}
ABOUT_BASELINES = {  # the first that a baseline's name contains
    "unigram": "knows how often each character comes, and nothing else",
    "gram": "counts what follows the last few characters",
    "PPMd (static)": "a compressor of text that has read the training text",
    "zpaq (static)": "a very strong compressor, slow, that has read the training text",
    "(adaptive)": "goes on learning while it reads the unseen text; the model does not",
    "bz2": "a file compressor that has just read the training text",
    "xz": "a file compressor that has just read the training text",
    "champion": "the model in use until now",
}


class Figure(NamedTuple):
    """One number worth showing large."""

    name: str
    value: str
    note: str


def title(facts: RunFacts) -> str:
    """What the run came to, as a headline."""
    run = facts.run
    if run.status != "completed":
        ending = "has not ended" if run.status in ("running", "paused") else run.status
        return f"A run on {facts.corpus} that {ending}" + (f" while {doing(run.unfinished)}" if run.unfinished else "")
    if facts.train is None or facts.training_seconds is None:
        return f"{facts.corpus}, done up to {list(run.stages)[-1]}" if run.stages else f"A run on {facts.corpus}"
    time = spoken_duration(facts.training_seconds)
    return f"A model of {format_count(facts.train.parameters)} parameters, trained on {facts.corpus} for {time}"


def lede(facts: RunFacts) -> Iterator[str]:
    """The first sentences below the headline."""
    run = facts.run
    if run.reused:
        yield "Nothing had to be computed: every stage was done before, with the same settings and the same text."
    if facts.evaluation:
        yield verdict(facts.evaluation)
        yield (
            "Bits per byte say how surprised a method is by each byte of new text. "
            "A method that guesses at random needs 8; one that knows what comes next needs none."
        )
    if run.unfinished and run.unfinished.progress:
        yield f"It was {doing(run.unfinished)}, at {run.unfinished.progress}."
    if run.unfinished and run.stages:
        yield f"What is finished is kept: {listing(run.stages)}."


def doing(stage: UnfinishedStage) -> str:
    """What goes on in a stage."""
    return DOING.get(stage.stage, stage.stage)


def verdict(evaluation: Evaluation) -> str:
    """How the model stands beside the best baseline, in plain words."""
    own = f"On text it has never seen, the model needs {evaluation.bits_per_byte:.2f} bits per byte"
    if evaluation.best_baseline is None:
        return f"{own}."
    name, best = evaluation.best_baseline
    saved = 1 - evaluation.bits_per_byte / best
    if name in evaluation.level_with:
        return f"{own}, about as many as {name} ({best:.2f}): chance may explain the difference."
    if saved > 0:
        fewer = f"{saved * 100:.0f}\N{NO-BREAK SPACE}% fewer"
        return f"{own}. The best of the other methods, {name}, needs {best:.2f}: the model needs {fewer} bits."
    return f"{own}. That is worse than {name} ({best:.2f}): the model has not learned enough yet."


def figures(facts: RunFacts) -> Iterator[Figure]:
    """The few numbers to know."""
    run = facts.run
    if facts.training_seconds is not None:
        note = facts.trained_before or f"{format_duration(run.seconds)} in all"
        yield Figure("Training", format_duration(facts.training_seconds), note)
    train = facts.artifacts.get("train")
    peak = run.peak_memory_bytes or (train.manifest.peak_memory_bytes if train else None)
    if peak is not None:
        yield Figure("Peak memory", format_bytes(peak), f"of {format_bytes(run.budget.bytes)} allowed")
    if facts.evaluation:
        best = facts.evaluation.best_baseline
        note = f"{best[0]} needs {best[1]:.2f}" if best else "lower is better"
        yield Figure("Bits per byte", f"{facts.evaluation.bits_per_byte:.2f}", note)
    if sizes := facts.text_bytes:
        yield Figure("Text", format_text_size(sizes["train"]), f"{format_text_size(sizes['heldout'])} held out")


def evaluation_text() -> str:
    """What the comparison is."""
    return (
        "A low number alone says little, because some texts are easy. Other methods read the same training text and "
        "predicted the same unseen text. The model has learned something where it needs fewer bits than they do. "
        "An adaptive method goes on learning while it reads the unseen text. The model does not, so it is at a "
        "disadvantage."
    )


def about_baseline(name: str) -> str:
    """What a baseline does, in a few words; empty for one that we do not know."""
    return next((text for part, text in ABOUT_BASELINES.items() if part in name), "")


def evaluation_note(evaluation: Evaluation) -> str:
    """How the numbers came about."""
    size = f" all {format_text_size(evaluation.heldout_bytes)} of" if evaluation.heldout_bytes else ""
    text = f"Measured over{size} the held-out text, which neither the tokenizer nor the training saw."
    if evaluation.ci95:
        low, high = evaluation.ci95
        text += f" The 95\N{NO-BREAK SPACE}% interval is {low:.2f} to {high:.2f}."
    if evaluation.perplexity_per_token:
        text += f" Perplexity per token: {evaluation.perplexity_per_token:.1f}."
    if evaluation.verdict:
        text += f" In a paired comparison the model {evaluation.verdict}."
    return text


def learning_text(facts: RunFacts) -> str:
    """How to read the learning curve."""
    train = facts.train
    tokens, passes = (train.trained_tokens, train.passes_over_the_data) if train else (None, None)
    read = f"It read {format_count(tokens)} tokens, {passes:.1f} passes over the text. " if tokens and passes else ""
    varied = train is not None and train.merge_dropout > 0
    step = "Near the end the training curve drops: there BPE dropout stops. " if varied else ""
    return (
        f"{read}Where the curve of unseen text stops falling and the other still falls, "
        f"the model begins to learn the text by heart. {step}"
    ).rstrip()


def memory_text(facts: RunFacts) -> str:
    """What took the most memory, and what the picture shows."""
    run = facts.run
    known = {name: stage.peak_memory_bytes for name, stage in run.stages.items() if stage.peak_memory_bytes}
    if run.unfinished and run.unfinished.peak_memory_bytes:
        known[run.unfinished.stage] = run.unfinished.peak_memory_bytes
    if not known:
        return ""
    stage = max(known, key=lambda name: known[name])
    record = run.stages.get(stage) or run.unfinished
    predicted = record.predicted_memory_bytes if record else None
    expected = f"{format_bytes(predicted)} were predicted, " if predicted else ""
    return (
        f"The stage {stage} took the most memory: {format_bytes(known[stage])}. {expected}"
        f"{format_bytes(run.budget.bytes)} were allowed. "
        "The dotted line is the process that orchestrates the run. The budget does not count it."
    )


def not_finished(run: RunRecord) -> Iterator[tuple[UnfinishedStage, str]]:
    """The stages that a run has not finished, each with its status in a word; none of a run that is complete."""
    if run.status == "completed":
        return
    began = run.unfinished.stage if run.unfinished else None
    left = [name for name in stage_names() if name not in run.stages and name != began]
    goes_on = run.status in ("running", "paused")
    if run.unfinished:
        yield run.unfinished, "at work" if goes_on else "unfinished"
    for number, name in enumerate(left):
        refused = number == 0 and began is None and run.status in ("failed", "stopped")
        yield UnfinishedStage(stage=name), run.status if refused else "to come" if goes_on else "not reached"


def resumed(stage: StageRecord) -> str:
    """Where a training that was interrupted went on."""
    step = stage.resumed_from_step if isinstance(stage, TrainRecord) else None
    return "" if step is None else f"; continued from step {step:,}"
