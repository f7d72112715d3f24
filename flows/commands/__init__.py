"""The commands that start flows or the service."""
