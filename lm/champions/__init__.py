"""The champion: comparisons of models, retraining, and drift."""
