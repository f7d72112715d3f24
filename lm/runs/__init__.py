"""Records of runs, lineage of artifacts, why a stage was computed, pauses."""
