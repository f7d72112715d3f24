"""Heavy work in child processes: their jobs, their caps, and the watch over them."""
