"""Strict conversion of one table to one msgspec struct, key by key, so that one bad key does not hide the next.

msgspec stops at its first error. Here each key is converted on its own by its declared type, and every fault is
collected with the way to it. The types that plans and configs use are few: structs, lists, tuples, string maps,
Literal, the values of `parallax.values`, and plain text, numbers, booleans and times. Bounds stand in the types, as
`Annotated[..., msgspec.Meta(...)]`; its `description` is the sentence part that follows "wants". Where its `extra` says
`private`, what stands in the file may be a secret that was put there by mistake, and no message repeats it.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from parallax.loading.lines import Path
from parallax.loading.problems import nearest, quoted, shown
from parallax.values import VALUE_TYPES, decode_value

MAX_TEXT = 4096
"""Characters of a text whose type sets no bound of its own."""


MAX_DEPTH = 10
"""Of tables and lists within a value that may be anything."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and the way to it from the table that was converted."""

    path: Path
    message: str


class _Bad:
    pass


BAD: Final = _Bad()
"""What stands for a value that did not convert; its faults are in the list."""


def good(*values: object) -> bool:
    """Whether all of these values of a draft did convert."""
    return not any(value is BAD for value in values)


def first_of_each_path(faults: list[Fault]) -> list[Fault]:
    """One fault a path: a second one says the same thing in other words."""
    return list({fault.path: fault for fault in reversed(faults)}.values())[::-1]


_FIELDS: dict[Any, dict[str, msgspec.structs.FieldInfo]] = {}


def fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields of a struct type by their name in a file."""
    if struct not in _FIELDS:
        _FIELDS[struct] = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    return _FIELDS[struct]


def convert_table(
    table: object,
    struct: type[Any],
    faults: list[Fault],
    *,
    path: Path = (),
) -> Any:
    """A struct from a table as TOML or JSON has it, or BAD if it is no table at all.

    If faults were appended, the struct is a draft, with BAD in place of each value (of a key, or of an entry of its
    list) that did not convert: good for finding more faults, and for nothing else. Unknown keys are faults that list
    the known ones."""
    if not isinstance(table, dict):
        faults.append(Fault(path, _no_table(table, struct)))
        return BAD
    fields = fields_of(struct)
    values = {field.name: BAD for field in fields.values() if field.required}
    for key, raw in table.items():
        if key in fields:
            values[fields[key].name] = convert_value(raw, fields[key].type, faults, path=(*path, key))
        else:
            faults.append(unknown_key((*path, key), fields))
    faults.extend(Fault((*path, key), "is missing") for key, f in fields.items() if f.required and key not in table)
    return struct(**values)


def _no_table(found: object, struct: type[Any]) -> str:
    """A text is not repeated: it may be the secret that was to stand in the table."""
    if not isinstance(found, str):
        return f"wants a table, not {shown(found)}"
    keys = fields_of(struct)
    first = next((key for key, field in keys.items() if field.required), next(iter(keys), "..."))
    return f"wants a table, like {{ {first} = ... }}, not text"


def unknown_key(path: Path, known: Mapping[str, object]) -> Fault:
    """The fault of a key that is not known here."""
    return Fault(path, f"unknown key; {nearest(str(path[-1]), known)}the keys here are {', '.join(known)}")


def convert_value(
    raw: object,
    wanted: Any,
    faults: list[Fault],
    *,
    path: Path = (),
) -> Any:
    """One value by its declared type, or BAD; a list or a map with BAD inside where only some of it did not convert.
    Wherever there is a BAD, at least one fault was appended."""
    meta: msgspec.Meta | None = None
    if get_origin(wanted) is Annotated:
        wanted, meta = get_args(wanted)
    if isinstance(wanted, UnionType) or get_origin(wanted) is Union:
        return convert_value(raw, _member(wanted, raw), faults, path=path)
    if get_origin(wanted) is Annotated:
        wanted, meta = get_args(wanted)
    before = len(faults)
    if meta is not None and (meta.extra or {}).get("private") and not _names_it(raw, meta):
        faults.append(Fault(path, f"may be a secret itself, which does not belong here; wants {meta.description}"))
        return BAD
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        struct = convert_table(raw, wanted, faults, path=path)
        return struct if len(faults) == before else BAD
    origin = get_origin(wanted)
    value: Any
    if origin in (list, tuple):
        value = _sequence(raw, wanted, faults, path)
    elif origin is dict:
        value = _mapping(raw, get_args(wanted)[1], faults, path)
    else:
        value = _leaf(raw, wanted, meta, faults, path)
    if value is not BAD and meta is not None and (complaint := _out_of_bounds(value, meta)):
        faults.append(Fault(path, complaint))
        return BAD
    return value


def _names_it(raw: object, meta: msgspec.Meta) -> bool:
    return isinstance(raw, str) and meta.pattern is not None and re.fullmatch(meta.pattern, raw) is not None


def _member(union: Any, raw: object) -> Any:
    """The member of a union that the raw value is meant for: by whether it is a list, else by its own type."""
    members = [m for m in get_args(union) if m is not type(None)]
    lists = [m for m in members if get_origin(get_args(m)[0] if get_origin(m) is Annotated else m) in (list, tuple)]
    plain = [m for m in members if m not in lists]
    if lists and (isinstance(raw, list) or not plain):
        return lists[0]
    return type(raw) if type(raw) in plain else plain[0]


def _sequence(raw: object, wanted: Any, faults: list[Fault], path: Path) -> Any:
    if not isinstance(raw, list | tuple):
        faults.append(Fault(path, f"wants a list in [ ], not {shown(raw)}"))
        return BAD
    kinds = get_args(wanted)
    if get_origin(wanted) is list or kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(raw)
    elif len(raw) != len(kinds):
        faults.append(Fault(path, f"wants a list of {len(kinds)}, not of {len(raw)}"))
        return BAD
    values = [
        convert_value(entry, kind, faults, path=(*path, i))
        for i, (entry, kind) in enumerate(zip(raw, kinds, strict=True))
    ]
    return values if get_origin(wanted) is list else tuple(values)


def _mapping(raw: object, wanted: Any, faults: list[Fault], path: Path) -> Any:
    if not isinstance(raw, dict):
        faults.append(Fault(path, f"wants a table, not {shown(raw)}"))
        return BAD
    return {k: convert_value(v, wanted, faults, path=(*path, k)) for k, v in raw.items()}


def _leaf(raw: object, wanted: Any, meta: msgspec.Meta | None, faults: list[Fault], path: Path) -> Any:
    try:
        return _plain(raw, wanted, (meta and meta.max_length) or MAX_TEXT)
    except ValueError as error:
        faults.append(Fault(path, str(error)))
        return BAD


def _plain(raw: object, wanted: Any, max_length: int) -> object:
    if isinstance(raw, str) and len(raw) > max_length:
        raise ValueError(f"is {len(raw)} characters long; at most {max_length} are taken")
    if get_origin(wanted) is Literal:
        known = get_args(wanted)
        if not any(raw == word and type(raw) is type(word) for word in known):
            words = quoted(known) if isinstance(known[0], str) else ", ".join(map(str, known))
            hint = nearest(raw, known) if isinstance(raw, str) else ""
            raise ValueError(f"{shown(raw)} is not known here; {hint}write one of {words}")
        return raw
    if wanted in VALUE_TYPES or wanted is str:
        if not isinstance(raw, str):
            raise ValueError(f"wants text in quotes, not {shown(raw)}")
        return decode_value(wanted, raw) if wanted in VALUE_TYPES else raw
    if wanted is bool:
        if not isinstance(raw, bool):
            raise ValueError(f"wants true or false, not {shown(raw)}")
        return raw
    if wanted is int:
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise ValueError(f"wants a whole number, not {shown(raw)}")
        return raw
    if wanted is float:
        if not isinstance(raw, int | float) or isinstance(raw, bool):
            raise ValueError(f"wants a number, not {shown(raw)}")
        return float(min(max(raw, -(10**20)), 10**20)) if isinstance(raw, int) else raw
    if wanted is datetime:
        if not isinstance(raw, datetime) or raw.tzinfo is None:
            raise ValueError(f"wants a time with its offset, like 2027-01-31T02:00:00Z, not {shown(raw)}")
        return raw
    if wanted is date:
        if isinstance(raw, date) and not isinstance(raw, datetime):
            return raw
        try:
            return date.fromisoformat(raw if isinstance(raw, str) else "")
        except ValueError:
            raise ValueError(f"wants a date, like 2027-01-31, not {shown(raw)}") from None
    if wanted is Any:
        return _json_value(raw)
    raise AssertionError(f"no conversion to {wanted}")


def _json_value(raw: object, depth: int = 0) -> object:
    """What JSON can hold, as it is."""
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(raw, dict):
        return {key: _json_value(value, depth + 1) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_json_value(value, depth + 1) for value in raw]
    if not isinstance(raw, str | int | float | bool | None):
        raise ValueError(f"wants a value that JSON has, not {shown(raw)}")
    return raw


def _out_of_bounds(value: Any, meta: msgspec.Meta) -> str | None:
    """A complaint if the value is outside the bounds of its type. NaN is outside every bound."""
    complaint = f"{shown(value)} is out of bounds; wants {meta.description or bounds_text(meta)}"
    if meta.ge is not None and not value >= meta.ge:
        return complaint
    if meta.le is not None and not value <= meta.le:
        return complaint
    if meta.pattern is not None and not re.fullmatch(meta.pattern, value):
        return f"{shown(value)} does not fit; wants {meta.description}"
    if meta.min_length is not None and len(value) < meta.min_length:
        return f"has {len(value)} of them; wants {meta.description}"
    if meta.max_length is not None and len(value) > meta.max_length:
        return f"has {len(value)} entries; at most {meta.max_length} are taken"
    return None


def bounds_text(meta: msgspec.Meta) -> str:
    """A type's bounds in words: "1 to 65535"."""
    return f"{shown(meta.ge)} to {shown(meta.le)}"


def key_text(path: Path) -> str:
    """A way within a table as messages show it: "assert entry 2, status" (people count from 1)."""
    text = ""
    for part in path:
        text += f" entry {part + 1}" if isinstance(part, int) else f", {part}" if text else part
    return text.strip()
