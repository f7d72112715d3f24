"""A run and what it leaves: its record, its artifacts' lineage, why, and what may go."""
