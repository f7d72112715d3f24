"""The tokenize stage: trains or reuses a tokenizer, and writes the text as tokens."""
