"""The sentences about samples: how they were drawn, whether they repeat themselves, what they copied."""

from lm.report.run_facts import RunFacts, Sample
from lm.text.mean_degeneracy import MeanDegeneracy

MIN_QUOTE = 12  # characters: two texts of one language share any few words


def samples_text(facts: RunFacts) -> str:
    """How the samples came about, and whether the model repeats itself."""
    text = "All samples, as they were drawn; only long gaps are closed. The words in colour were given."
    if judged := facts.evaluation.repetition if facts.evaluation else None:
        verdict, score = judged["verdict"], judged["score"]
        text += f" Judged for repetition, the samples are {verdict}: their score is {score:.2f}, of 1 at worst"
        human = judged.get("human", MeanDegeneracy()).get("score")
        text += "." if human is None else f". Human text after the same words scores {human:.2f}."
    samples = facts.generate
    if samples and samples.longest_match_characters and samples.human_longest_match_characters:
        text += (
            f" Longest copied passage: {samples.longest_match_characters} characters. In held-out text of the same "
            f"length, which people wrote, there are {samples.human_longest_match_characters}."
        )
    return text


def sample_note(sample: Sample) -> str:
    """How a sample was drawn, and what became of it."""
    parts = [
        f"temperature {sample.temperature:g}" if sample.temperature is not None else "",
        f"top-p {sample.top_p:g}" if sample.top_p is not None else "",
        f"seed {sample.seed}" if sample.seed is not None else "",
        f"{sample.tokens} tokens" if sample.tokens is not None else "",
        sample.verdict if sample.verdict not in (None, "healthy") else "",
    ]
    return ", ".join(part for part in parts if part)


def nearest_place(sample: Sample) -> str:
    """Where in the training text a sample comes nearest to it; empty where they share no more than any two texts."""
    shared = " ".join((sample.nearest_text or "").split())
    if not sample.nearest_source or len(shared) < MIN_QUOTE:
        return ""
    title = (
        f", {sample.nearest_title}" if sample.nearest_title and sample.nearest_title != sample.nearest_source else ""
    )
    document = f", document {sample.nearest_document}" if sample.nearest_document else ""
    line = f", line {sample.nearest_line:,}" if sample.nearest_line else ""
    return f"{len(shared)} characters are in the training text too: {sample.nearest_source}{title}{document}{line}"
