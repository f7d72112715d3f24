"""What lies in the folder of an unfinished training and not in that of a finished model."""

CHECKPOINTS = "checkpoints"
TOKEN_FILE = "train.tokens"
BEST_FILE = "best.safetensors"
SCHEDULE_FILE = "schedule.json"
SCRATCH = (CHECKPOINTS, TOKEN_FILE, BEST_FILE, SCHEDULE_FILE)
