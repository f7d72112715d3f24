"""A whole run, stage by stage, in supervised child processes."""
