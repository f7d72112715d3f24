"""What the generate stage stands on: sampling, and where a text comes from."""
