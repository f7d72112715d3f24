"""Models that leave home: Hugging Face, GGUF, and their card."""
