"""The commands of `python -m lm`."""
