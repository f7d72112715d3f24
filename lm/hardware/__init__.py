"""The processor: its cores, and which build of torch is installed."""
