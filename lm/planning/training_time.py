"""From the minutes of a training to the seconds of its steps, and back."""

START_AND_FINISH_SECONDS = 5.0  # its process loads torch and opens the text, and writes the model in the end
STEPS_SHARE = 0.96  # of the rest: checkpoints and looks take some, and steps are slower than in the trial
MIN_SHARE = 0.5  # of a very short training: it gets its steps even so


def seconds_of_steps(training_seconds: float) -> float:
    """What a training of so many seconds has for its steps, as long as its trial says they are."""
    return STEPS_SHARE * max(MIN_SHARE * training_seconds, training_seconds - START_AND_FINISH_SECONDS)


def seconds_of_training(steps: int, step_seconds: float) -> float:
    """What a training of so many steps takes in all, where its trial took so long for each."""
    return START_AND_FINISH_SECONDS + steps * step_seconds / STEPS_SHARE
