"""Settings for people: the file that holds them, the list of all, and where each value comes from."""
