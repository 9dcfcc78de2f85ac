"""JSON Schema (2020-12) of a plan file, for editors and other tools: made from the same types that the loader uses.

It says what one table may hold. What holds between keys and tables (timeout < period, references, unique names) only
`parallax plan check` knows, so a file that validates can still be refused.
"""

from datetime import date, datetime
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from parallax.loading.convert import MAX_TEXT, fields_of
from parallax.loading.descriptions import describe
from parallax.plan.kinds import SPECS
from parallax.plan.load import MANY, SINGLE
from parallax.plan.types import SCHEMA, CheckKeys
from parallax.values import (
    VALUE_TYPES,
    Address,
    Cidr,
    DnsName,
    Duration,
    Endpoint,
    Rate,
    Redirect,
    Size,
    Url,
    encode_value,
)

Json = dict[str, Any]

_TEXT_FORMS: dict[type, Json] = {
    Duration: {"pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d)$", "examples": ["500ms", "30s", "5m"]},
    Rate: {"pattern": r"^[0-9]{1,6}/([0-9]{1,4})?(s|min|h|d)$", "examples": ["4/min", "3/10s"]},
    Size: {"pattern": r"^[0-9]{1,12}(B|kB|MB|GB)$", "examples": ["64kB", "1MB"]},
    Address: {"pattern": r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]+$", "examples": ["192.0.2.1:53", "[2001:db8::1]:53"]},
    Redirect: {"pattern": r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]+(/(udp|tcp))?$", "examples": ["192.0.2.1:53/udp"]},
    Endpoint: {"minLength": 1, "examples": ["ns1.example.org:53"]},
    DnsName: {"minLength": 1, "examples": ["www.example.org"]},
    Cidr: {"minLength": 2, "examples": ["10.0.0.0/8"]},
    Url: {"pattern": r"^https?://[^\s]+$"},
}


def plan_schema() -> Json:
    """The schema of one plan file. Deterministic."""
    sections: Json = {"schema": {"const": SCHEMA, "description": "The version of the plan's words."}}
    definitions: Json = {}
    for name, kind in SINGLE.items():
        sections[name] = {"$ref": f"#/$defs/{name}"}
        definitions[name] = _table(kind)
    for name, kind in MANY.items():
        sections[name] = {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}
        definitions[name] = _check() if name == "check" else _table(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Parallax plan",
        "description": "What to check: one file of a plan.",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _check() -> Json:
    """One schema a kind: the keys that every check has, and the kind's own."""
    kinds = []
    for name, kind in SPECS.items():
        common, own = _table(CheckKeys), _table(kind.spec)
        properties = {**common["properties"], **own["properties"]}
        properties["kind"] = {"const": name, "description": kind.summary}
        kinds.append(
            {
                "title": name,
                "description": describe(kind.spec).text,
                "type": "object",
                "properties": properties,
                "required": [*common["required"], *own["required"]],
                "additionalProperties": False,
            }
        )
    return {"oneOf": kinds}


def _table(struct: type[msgspec.Struct]) -> Json:
    described = describe(struct)
    properties = {}
    for key, field in fields_of(struct).items():
        schema = _value(field.type)
        if text := described.fields.get(field.name):
            schema["description"] = text
        if field.default is not msgspec.NODEFAULT and field.default is not None:
            plain = msgspec.to_builtins(field.default, enc_hook=encode_value)
            schema["default"] = str(field.default) if isinstance(field.default, VALUE_TYPES) else plain
        properties[key] = schema
    required = [key for key, field in fields_of(struct).items() if field.required]
    return {
        "description": described.text,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _value(wanted: Any) -> Json:
    meta: msgspec.Meta | None = None
    if get_origin(wanted) is Annotated:
        wanted, meta = get_args(wanted)
    origin = get_origin(wanted)
    if isinstance(wanted, UnionType) or origin is Union:
        members = [_value(member) for member in get_args(wanted) if member is not type(None)]
        return members[0] if len(members) == 1 else {"anyOf": members}
    if origin in (list, tuple):
        return _array(wanted, meta)
    if origin is dict:
        return {"type": "object", "additionalProperties": _value(get_args(wanted)[1])}
    if origin is Literal:
        return {"enum": list(get_args(wanted))}
    if wanted is Any:
        return {}
    if wanted in _TEXT_FORMS:
        return {"type": "string", **_TEXT_FORMS[wanted]}
    if issubclass(wanted, msgspec.Struct):
        return _table(wanted)
    return _PLAIN[wanted] | _bounds(wanted, meta)


_PLAIN: dict[type, Json] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}


def _array(wanted: Any, meta: msgspec.Meta | None) -> Json:
    kinds = get_args(wanted)
    if get_origin(wanted) is tuple and kinds[-1] is not Ellipsis:
        size = len(kinds)
        return {"type": "array", "prefixItems": [_value(k) for k in kinds], "minItems": size, "maxItems": size}
    bounds = {"minItems": meta.min_length, "maxItems": meta.max_length} if meta else {}
    return {"type": "array", "items": _value(kinds[0])} | {k: v for k, v in bounds.items() if v is not None}


def _bounds(wanted: type, meta: msgspec.Meta | None) -> Json:
    bounds: Json = {"maxLength": MAX_TEXT} if wanted is str else {}
    if meta is None:
        return bounds
    if meta.pattern is not None:
        bounds = {"pattern": f"^(?:{meta.pattern})$"}
    found = {"minimum": meta.ge, "maximum": meta.le, "minLength": meta.min_length, "maxLength": meta.max_length}
    return bounds | {key: value for key, value in found.items() if value is not None}
