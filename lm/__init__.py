"""Slowburn's stages as plain functions, and what they stand on. Knows nothing of Prefect."""

__version__ = "0.1.0"
