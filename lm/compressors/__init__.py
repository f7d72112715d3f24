"""The compressors stage: what the held-out text costs the strongest compressors that libraries give."""
