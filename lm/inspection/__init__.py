"""Lists of artifacts and runs, verification of files, and what may be removed."""
