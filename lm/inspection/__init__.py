"""Looking at artifacts and runs: lists, checks, and what may be removed."""
