"""The artifact store: immutable folders, each named by its key."""
