"""Tables of the objects in JSON files, from the pydantic models and typed dictionaries that write them."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, JsonValue

from docs.reference_builder.comments import comments_beside
from docs.reference_builder.markdown import code, description, table

PLAIN = {NoneType: "null", bool: "true or false", int: "integer", float: "number", str: "string"}


def fields_of(model: type) -> dict[str, Any]:
    """Type of each field, by its name in the file."""
    if issubclass(model, BaseModel):
        fields = model.model_fields.items()
        return {field.serialization_alias or name: field.annotation for name, field in fields}
    return {name: _without_mark(hint) for name, hint in typed_dict_hints(model).items()}


def typed_dict_hints(model: type) -> dict[str, Any]:
    """Type hints of a typed dictionary, those of its bases first."""
    hints: dict[str, Any] = get_type_hints(model)
    return hints


def _without_mark(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def is_object(kind: Any) -> bool:
    """Whether a type is an object whose fields are known."""
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_typeddict(kind))


def objects_in(model: type) -> Iterator[type]:
    """A model, and those that its fields hold, each once."""
    seen: dict[type, None] = {}
    waiting = [model]
    while waiting:
        kind = waiting.pop(0)
        if kind not in seen:
            seen[kind] = None
            waiting += [inner for hint in fields_of(kind).values() for inner in _objects(hint)]
    return iter(seen)


def _objects(hint: Any) -> list[type]:
    return [hint] if is_object(hint) else [inner for part in get_args(hint) for inner in _objects(part)]


def object_table(model: type) -> str:
    """One row a field: name, type, meaning."""
    comments = comments_beside(model)
    names = _names_in_code(model)
    rows = (
        (code(name), type_in_words(hint), _described(model, names[name]) or comments.get(names[name], ""))
        for name, hint in fields_of(model).items()
    )
    return table(("field", "type", "meaning"), rows)


def _names_in_code(model: type) -> dict[str, str]:
    if issubclass(model, BaseModel):
        return {field.serialization_alias or name: name for name, field in model.model_fields.items()}
    return {name: name for name in fields_of(model)}


def _described(model: type, name: str) -> str:
    return model.model_fields[name].description or "" if issubclass(model, BaseModel) else ""


def object_section(model: type, level: str) -> str:
    """Heading, purpose and table of an object."""
    return f"{level} {model.__name__}\n\n{description(model)}\n\n{object_table(model)}"


def type_in_words(hint: Any) -> str:
    """A type as a reader of the file meets it."""
    if is_object(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if hint is JsonValue or hint is Any:
        return "any value"
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(code(f'"{value}"') for value in inside)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(type_in_words, inside)))
    if origin is dict:
        return "object" if inside[1] in (JsonValue, Any) else f"object of {type_in_words(inside[1])}"
    if origin is tuple and Ellipsis not in inside:
        return f"[{', '.join(map(type_in_words, inside))}]"
    if origin in (tuple, list):
        return f"list of {type_in_words(inside[0])}"
    return PLAIN[hint]
