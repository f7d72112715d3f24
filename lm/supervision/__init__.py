"""Supervised child processes: their jobs, their memory caps, and the watch over them."""
