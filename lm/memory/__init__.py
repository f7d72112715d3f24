"""Memory: budgets, what is free, what a process tree holds."""
