"""The commands that use what the stages made: `slowburn inspect`, or `python -m lm inspect`."""
