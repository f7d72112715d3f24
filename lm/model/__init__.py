"""The network: its shape, its weights, inference, and how tokens are sampled."""
