"""The network: its shape, its weights, and how text is drawn from it."""
