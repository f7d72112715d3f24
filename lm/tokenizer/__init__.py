"""Tokenizers, token files, and Hugging Face's tokenizer files."""
