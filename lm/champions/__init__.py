"""The promoted model: contests, retraining, and how it ages."""
