"""The generate stage: samples, each with its nearest passage in the training text."""
