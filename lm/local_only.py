"""Nothing is sent elsewhere unasked: no library counts its users, and what is on this machine is reached directly.

Needs only Python's standard library: `make_venv.py` copies this file into `.venv`, where it holds for `prefect` too.
"""

import os

NO_STATISTICS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def stay_local() -> None:
    """Have this process and all that it starts send no statistics, and use no proxy for this machine itself."""
    for name, value in NO_STATISTICS.items():
        os.environ.setdefault(name, value)
    excepted = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip() for name in excepted.split(",") if name.strip()]
    names += [name for name in LOOPBACK if name not in names and "*" not in names]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(names)
