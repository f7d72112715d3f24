"""The console script `slowburn`, and the commands that need Prefect. None of these modules loads it."""
