"""The train stage: the training loop, optimisers, checkpoints, recovery where memory is short."""
