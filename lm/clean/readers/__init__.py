"""Readers of the formats that text comes in, a family a module; `registry.py` says which reads what."""
