"""Text: documents, where they come from, and searching in them."""
