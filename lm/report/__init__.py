"""The report, its pictures, the index of runs, and a run's last words."""
