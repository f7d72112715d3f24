"""Sentences that tests put into files of every format."""

import random

WHO = ("The miller", "My sister", "An old sailor", "The clerk", "A tired baker")
DID = ("walked to the harbour", "repaired a narrow bridge", "forgot about the kettle", "measured the orchard wall")
WHEN = ("before dawn", "after the long rain", "on market day", "as the tide fell")


def sentence(seed: int) -> str:
    """A sentence, the same for the same seed."""
    chosen = random.Random(seed)
    return f"{chosen.choice(WHO)} {chosen.choice(DID)} {chosen.choice(WHEN)}, and told {seed} others of it."
