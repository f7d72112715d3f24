"""The stages as Prefect tasks, the memory guard, and what is published for people to look at."""
