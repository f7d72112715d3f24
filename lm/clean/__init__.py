"""The clean stage: reads any kind of text, filters it, finds duplicates, splits it."""
