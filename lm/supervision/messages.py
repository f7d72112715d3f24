"""What a supervised child and its parent say to each other: one JSON object a line, known by its first word."""

from typing import Literal, TypedDict

from pydantic import JsonValue


class DoJob(TypedDict):
    """The parent asks for a job."""

    ask: Literal["do"]
    job: str  # its name
    arguments: dict[str, JsonValue]


class Stop(TypedDict):
    """The parent asks to save and leave."""

    ask: Literal["stop"]
    reason: str  # MEMORY where other programs need it: then a job that cannot save by itself is left at once


class Shrink(TypedDict):
    """The parent asks to go on with less memory."""

    ask: Literal["shrink"]
    reason: str


Request = DoJob | Stop | Shrink
MEMORY = "memory"


class Progressed(TypedDict):
    """The child tells how far its job is."""

    event: Literal["progress"]
    done: float
    total: float | None
    unit: str
    note: str


class Shrunk(TypedDict):
    """The child tells that its job goes on with less memory."""

    event: Literal["shrunk"]
    note: str


class Done(TypedDict):
    """The child gives the result of its job."""

    event: Literal["result"]
    value: JsonValue
    peak_memory_bytes: int


class Failed(TypedDict):
    """The child tells why its job failed."""

    event: Literal["error"]
    kind: str  # the class of a SlowburnError, MEMORY where more was refused, or "crash"
    message: str
    peak_memory_bytes: int


Event = Progressed | Shrunk | Done | Failed
