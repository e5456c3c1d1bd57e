"""recipe.toml: read, and every mistake in it named."""

import tomllib
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from bitwright.compress.recipe.catalogue import STEPS
from bitwright.compress.recipe.recipe import Recipe, RecipeError
from bitwright.compress.step import Step

_GENERAL = ("seed", "test_images", "step")


def load_recipe(path: str | Path) -> Recipe:
    """The recipe in a TOML file; `RecipeError` names file, step, key and rule."""
    path = Path(path)
    try:
        return read_recipe(path.read_text(encoding="utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path.name}: is not a TOML file: {error}") from None


def read_recipe(text: str, name: str = "recipe") -> Recipe:
    """The recipe in a TOML document.

    >>> read_recipe('[[step]]\\nname = "calibrate"\\nbits = 4').steps[0].bits
    4
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name}: is not a TOML file: {error}") from None
    for key in table:
        if key not in _GENERAL:
            raise RecipeError(f"{name}: unknown key {key!r}; known are {', '.join(_GENERAL)}")
    entries = table.get("step", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RecipeError(f"{name}: steps are [[step]] tables, not {entries!r}")
    return Recipe(
        steps=tuple(_step(entry, n, name) for n, entry in enumerate(entries, 1)),
        name=name,
        seed=_number(table, "seed", 0, 0, name),
        test_images=_number(table, "test_images", None, 1, name),
    )


def _step(entry: dict[str, Any], number: int, recipe: str) -> Step:
    values = dict(entry)
    kind = values.pop("name", None)
    if kind not in STEPS:
        near = get_close_matches(str(kind), STEPS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        what = "has no name" if kind is None else f"unknown step {kind!r}"
        raise RecipeError(f"{recipe}: step {number}: {what}; known are {', '.join(STEPS)}{hint}")
    where = f"{recipe}: step {number} '{kind}'"
    known = {field.name: field for field in fields(STEPS[kind])}
    for key in values:
        if key not in known:
            accepted = ", ".join(known) or "none"
            raise RecipeError(f"{where}: unknown key {key!r}; known are {accepted}")
    hints = get_type_hints(STEPS[kind])
    for key, field in known.items():
        if key in values:
            values[key] = _typed(values[key], hints[key], f"{where}: {key}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise RecipeError(f"{where}: {key} must be given")
    try:
        return STEPS[kind](**values)
    except ValueError as error:
        raise RecipeError(f"{where}: {error}") from error


def _typed(value: Any, hint: Any, where: str) -> Any:
    """The value as the field's type; a whole number where a real one is wanted is one."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, list):
        return tuple(_typed(item, arguments[0], where) for item in value)
    if origin is not None and origin is not tuple and isinstance(value, dict):
        return {key: _typed(item, arguments[1], where) for key, item in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise RecipeError(f"{where} must be {_called(hint)}, not {value!r}")
    return value


def _called(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return f"a list of {_called(arguments[0])}s"
    if origin is not None:
        return f"a table of {_called(arguments[1])}s"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[hint]


def _number(table: dict[str, Any], key: str, default: Any, least: int, recipe: str) -> Any:
    value = table.get(key, default)
    if value is not default and (type(value) is not int or value < least):
        raise RecipeError(f"{recipe}: {key} must be a whole number from {least}, not {value!r}")
    return value
