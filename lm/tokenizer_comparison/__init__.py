"""Kinds of tokenizers compared at equal compute."""
