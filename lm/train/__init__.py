"""What the train stage stands on: the model, its optimisers, checkpoints, and the loop."""
