"""Tokenizers and token files."""
