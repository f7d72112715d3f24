"""What the download stage stands on: sources, and getting at them."""
