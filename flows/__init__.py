"""The flows: the whole pipeline, each stage by itself."""
