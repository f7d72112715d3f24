"""What the clean stage stands on: reading any text, filters, duplicates, the split."""
