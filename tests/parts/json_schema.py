"""As much of JSON Schema 2020-12 as our own schema uses; an unknown keyword is an error, not silence."""

import re
from datetime import datetime
from typing import Any

_ANNOTATIONS = {"$schema", "$defs", "title", "description", "default", "examples", "format"}
_TYPES: dict[str, Any] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str | datetime),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


def valid(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether a value, as TOML has it, fits the schema."""
    return all(_holds(keyword, rule, value, schema, root) for keyword, rule in schema.items())


def _holds(keyword: str, rule: Any, value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if keyword in _ANNOTATIONS:
        return True
    if keyword == "$ref":
        return valid(value, root["$defs"][rule.removeprefix("#/$defs/")], root)
    if keyword == "type":
        return bool(_TYPES[rule](value))
    if keyword in ("oneOf", "anyOf"):
        fitting = sum(valid(value, member, root) for member in rule)
        return fitting == 1 if keyword == "oneOf" else fitting > 0
    if keyword in ("const", "enum"):
        return value in (rule if keyword == "enum" else [rule]) and not isinstance(value, bool)
    if isinstance(value, dict):
        if keyword == "properties":
            return all(valid(value[key], rule[key], root) for key in value.keys() & rule.keys())
        if keyword == "required":
            return set(rule) <= value.keys()
        if keyword == "additionalProperties":
            rest = [value[key] for key in value.keys() - schema.get("properties", {}).keys()]
            return not rest if rule is False else all(valid(inner, rule, root) for inner in rest)
    if isinstance(value, list):
        if keyword == "items":
            return all(valid(inner, rule, root) for inner in value)
        if keyword == "prefixItems":
            return all(valid(inner, member, root) for inner, member in zip(value, rule, strict=False))
    bounds: dict[str, Any] = {
        "minItems": lambda: len(value) >= rule,
        "maxItems": lambda: len(value) <= rule,
        "minLength": lambda: len(value) >= rule,
        "maxLength": lambda: len(value) <= rule,
        "minimum": lambda: value >= rule,
        "maximum": lambda: value <= rule,
        "pattern": lambda: re.search(rule, value) is not None,
        "properties": lambda: True,
        "required": lambda: True,
        "additionalProperties": lambda: True,
        "items": lambda: True,
        "prefixItems": lambda: True,
    }
    try:
        return bool(bounds[keyword]())
    except TypeError:  # the keyword is about another type, which `type` refuses
        return True
