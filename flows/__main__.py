"""`python -m flows`: what the console script `slowburn` does, where that is not installed."""

import sys

from flows.start import main

if __name__ == "__main__":
    sys.exit(main())
