"""The commands that use what the stages made, such as `slowburn inspect`."""
