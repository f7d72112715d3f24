"""Starts a supervised child on the import path of its parent: `python start_child.py BUDGET PATHS MODULE…`.

The parent's own path, as JSON: what it could import, the child can, wherever both were started.
"""

import json
import sys

if __name__ == "__main__":
    sys.path[:] = json.loads(sys.argv[2])
    from lm.supervision.child import main

    main(int(sys.argv[1]), sys.argv[3:])
