"""The report of a run, its charts, the index of all runs, and the summary."""
