"""Jobs: functions that a supervised child can be asked to do, typed on both sides of the process boundary.

`@job` makes one of a function whose first parameter is the child's `JobContext`. Arguments and results cross as JSON,
which pydantic writes and reads by the function's annotations. A job is found by its module and name, and only what
`@job` made is ever called.
"""

import importlib
import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import JsonValue, TypeAdapter

from lm.errors import SlowburnError
from lm.supervision.job_context import JobContext

P = ParamSpec("P")
R = TypeVar("R")

WHOLE = {"secrets": True}  # what goes to the child and back goes through a pipe, and nowhere else


class Job(Generic[P, R]):
    """A function that a child can do."""

    def __init__(self, function: Callable[Concatenate[JobContext, P], R]) -> None:
        self.function = function
        self.name = f"{function.__module__}:{function.__qualname__}"
        self.__doc__ = function.__doc__

    def __call__(self, context: JobContext, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do it here."""
        return self.function(context, *args, **kwargs)

    def encode(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, JsonValue]:
        """Write the arguments as JSON."""
        given = self._signature.bind(None, *args, **kwargs).arguments
        return {
            name: adapter.dump_python(given[name], mode="json", context=WHOLE)
            for name, adapter in self._parameters.items()
            if name in given
        }

    def run(self, context: JobContext, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do it with arguments from `encode`; return the result as JSON."""
        read = {name: self._parameters[name].validate_python(value) for name, value in arguments.items()}
        result = self.function(context, **read)  # type: ignore[call-arg]  # read by the function's own annotations
        value: JsonValue = self._result.dump_python(result, mode="json", context=WHOLE)
        return value

    def decode(self, value: JsonValue) -> R:
        """Read a result that `run` returned."""
        result: R = self._result.validate_python(value)
        return result

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.function)

    @cached_property
    def _parameters(self) -> dict[str, TypeAdapter[Any]]:
        _, *names = self._signature.parameters
        return {name: TypeAdapter(self._hints[name]) for name in names}

    @cached_property
    def _result(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._hints["return"])


def job(function: Callable[Concatenate[JobContext, P], R]) -> Job[P, R]:
    """Make a job of a function at the top of a module; imports that weigh wait inside it."""
    return Job(function)


def job_named(name: str) -> Job[..., Any]:
    """Find a job by `Job.name`. Raises SlowburnError where that is none."""
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(found, Job):
        raise SlowburnError(f"{name} is no job that a child can do")
    return found
