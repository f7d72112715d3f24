"""Before training: what this machine can do, and what suits a text, a time and a memory."""
