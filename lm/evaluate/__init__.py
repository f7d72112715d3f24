"""What the evaluate stage stands on: scores, baselines, and what is wrong with a text."""
