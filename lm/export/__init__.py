"""Export of models: Hugging Face folders, GGUF files, and the model card."""
