"""What the tokenize stage stands on: tokenizers, and tokens in parquet."""
