"""Memory: what there is, what may be taken, what is held."""
