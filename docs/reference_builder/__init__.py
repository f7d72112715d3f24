"""Writes what can be read off the code: the pages in docs/reference/, and the floors in docs/architecture.md."""
