"""One [[check]] table to a Check: the keys that every check has, the kind's own, and the rules between them. Pure.

The collector's loader and the probe share this. What a table says that this version cannot do is a value,
`Unsupported`, never an exception: a plan file with one is refused, a probe reports it and goes on with the others.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from parallax.loading.convert import (
    BAD,
    Fault,
    convert_table,
    convert_value,
    fields_of,
    first_of_each_path,
    good,
    key_text,
    unknown_key,
)
from parallax.loading.lines import Path
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.kinds import SPECS
from parallax.plan.pinned import PINNABLE
from parallax.plan.templates import Gap, parse_secrets
from parallax.plan.types import Check, CheckKeys, Defaults
from parallax.redaction import secret_query_key
from parallax.values import VALUE_TYPES, Address, Duration, encode_value

FASTEST_EXTERNAL = Duration(15)
"""A target that others run is never probed faster than this (DESIGN.md, promise 5)."""
LONGEST_TARGET = 2048
SHORTEST_TIMEOUT = Duration(0.01)
FASTEST, SLOWEST = Duration(1), Duration(86400)
BUILT_IN = Defaults()


class PinnedKeys(CheckKeys, frozen=True, kw_only=True):
    """What a check has beside where it comes from a collector (parallax.plan.pinned)."""

    member: str = ""
    pinned: Address | None = None


_OF_PARTS = fields_of(PinnedKeys).keys() - fields_of(CheckKeys).keys()
_MADE = "is no key of a plan; checks that go to a member directly are made of [[failover]] when the plan is loaded"


class Unsupported(msgspec.Struct, frozen=True, kw_only=True):
    """A check table that cannot be run here, with what could be read of it and every fault."""

    name: str
    kind: str
    targets: list[str]
    period: Duration
    faults: list[Fault]

    @property
    def message(self) -> str:
        """The faults in one line."""
        return "; ".join(": ".join(filter(None, (key_text(f.path), f.message))) for f in self.faults)


def convert_check(table: object, defaults: Defaults = BUILT_IN, *, of_part: bool = False) -> Check | Unsupported:
    """A check from its table, as TOML or JSON has it. Never raises.

    `of_part`: it comes from a collector, so it may be one that is run against a member directly. A probe that does not
    know `member` and `pinned` refuses the check, as it does any unknown key: it must not measure what the name leads to
    and call it the member."""
    faults: list[Fault] = []
    if not isinstance(table, dict):
        return _unsupported({}, defaults, [Fault((), f"wants a table, not {shown(table)}")])
    kind = table.get("kind")
    keys_type = PinnedKeys if of_part else CheckKeys
    own = fields_of(keys_type)
    if not isinstance(kind, str) or kind not in SPECS:
        complaint = _kind_complaint(kind) if "kind" in table else f"is missing; the kinds are {quoted(SPECS)}"
        faults.append(Fault(("kind",), complaint))
        present = {key: raw for key, raw in table.items() if key in own}
        keys = convert_table({"kind": "", "targets": [""]} | present, keys_type, faults)
        faults.extend(_pace_faults(keys, defaults))
        return _unsupported(table, defaults, faults)
    spec_type, targets_of = SPECS[kind].spec, SPECS[kind].targets
    whose = "[defaults]"
    if (pace := SPECS[kind].pace) is not None:
        whose, defaults = f"the default of {kind}", Defaults(period=pace[0], timeout=pace[1])
    known = fields_of(spec_type)
    spec = convert_table({k: v for k, v in table.items() if k in known}, spec_type, faults)
    present = {k: v for k, v in table.items() if k in own}
    if targets_of is not None:
        own = {key: field for key, field in own.items() if key != "targets"}
        present["targets"] = _own_targets(targets_of, spec)
    keys = convert_table(present, keys_type, faults)
    for key in table:
        if key not in own and key not in known:
            faults.append(Fault((key,), _MADE) if key in _OF_PARTS else unknown_key((key,), own | known))
    if targets_of is None:
        faults.extend(_target_faults(keys.targets, kind))
    faults.extend(_pace_faults(keys, defaults, whose))
    faults.extend(_turn_faults(table.get("every"), keys.period or defaults.period))
    faults.extend(SPECS[kind].faults(spec, keys.timeout or defaults.timeout))
    faults.extend(_secret_faults(table, kind, keys.targets))
    pinned = _pinned(keys, kind, faults)
    if faults:
        return _unsupported(table, defaults, faults)
    return Check(
        name=keys.name,
        kind=kind,
        targets=keys.targets,
        period=keys.period or defaults.period,
        timeout=keys.timeout or defaults.timeout,
        external=keys.external,
        probes=keys.probes,
        spec=spec,
        **pinned,
    )


def check_table(check: Check) -> dict[str, Any]:
    """The table that converts back to the check, as plain values. Keys at their default are left out, so that a probe
    that does not know a newer key can still run the checks that do not use it."""
    table: dict[str, Any] = {"name": check.name, "kind": check.kind}
    if SPECS[check.kind].targets is None:
        table["targets"] = check.targets
    table |= {"period": str(check.period), "timeout": str(check.timeout)}
    if not check.external:
        table["external"] = False
    if check.probes:
        table["probes"] = check.probes
    if check.pinned is not None:
        table |= {"member": check.member, "pinned": str(check.pinned)}
    table.update(_plain(check.spec))
    return table


def endpoint_text(kind: str, target: str) -> str:
    """Where a target of a kind goes, as host:port; the target itself where only a run finds out. Raises ValueError."""
    endpoint = SPECS[kind].endpoint
    return target if endpoint is None else str(endpoint(target))


def _pinned(keys: CheckKeys, kind: str, faults: list[Fault]) -> dict[str, Any]:
    """Which member a check goes to, and where that is. One that this version cannot send there is a fault."""
    if not isinstance(keys, PinnedKeys) or (not keys.member and keys.pinned is None):
        return {}
    if not keys.member or keys.pinned is None or kind not in PINNABLE:
        faults.append(Fault(("pinned",), f"this version cannot run a {kind} check against a member directly"))
    return {"member": keys.member, "pinned": keys.pinned}


def _own_targets(targets_of: Callable[[Any], list[str]], spec: Any) -> list[str]:
    """The targets that the kind's own keys say; any, where those keys have faults of their own."""
    try:
        targets = targets_of(spec)
    except (AttributeError, TypeError):
        targets = []
    return [target for target in targets if good(target) and isinstance(target, str)] or [""]


def _plain(value: Any) -> Any:
    """A spec or a value in it as TOML and JSON have it, keys at their default left out."""
    if isinstance(value, msgspec.Struct):
        found = ((key, field, getattr(value, field.name)) for key, field in fields_of(type(value)).items())
        return {key: _plain(inner) for key, field, inner in found if field.required or inner != _default(field)}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return encode_value(value) if isinstance(value, VALUE_TYPES) else value


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _unsupported(table: dict[str, Any], defaults: Defaults, faults: list[Fault]) -> Unsupported:
    name, kind, targets = table.get("name"), table.get("kind"), table.get("targets")
    period = convert_value(table.get("period"), Duration, [])
    return Unsupported(
        name=name if isinstance(name, str) else "",
        kind=kind if isinstance(kind, str) else "",
        targets=[t for t in targets if isinstance(t, str)] if isinstance(targets, list) else [],
        period=defaults.period if period is BAD else period,
        faults=first_of_each_path(faults),
    )


def _kind_complaint(kind: object) -> str:
    built = f"the kinds are {quoted(SPECS)}"
    hint = nearest(kind, SPECS) if isinstance(kind, str) else ""
    return f"{shown(kind)} is no kind of check; {hint}{built}"


def _secret_faults(table: dict[str, Any], kind: str, targets: Any) -> Iterator[Fault]:
    """Secrets where the kind sends none, or where they would go in the clear."""
    takes = SPECS[kind].secrets
    for path in _secrets(table):
        if path[0] not in takes:
            where = f"in {quoted(sorted(takes))}" if takes else "nowhere"
            yield Fault(path, f"names a secret; a {kind} check takes one {where}")
        elif kind == "http" and good(targets) and any(str(target).startswith("http:") for target in targets):
            yield Fault(path, "names a secret, and a target is http://; a secret is sent over TLS only")


def _secrets(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, str) and any(isinstance(piece, Gap) for piece in parse_secrets(value)):
        yield path
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _secrets(inner, (*path, key))


def _target_faults(targets: list[str], kind: str) -> Iterator[Fault]:
    """Targets that do not parse, and those that mean the same as an earlier one."""
    seen: dict[str, str] = {}
    for place, target in enumerate(targets if good(targets) else ()):
        if not good(target):
            continue
        if len(target) > LONGEST_TARGET:
            yield Fault(("targets", place), f"is {len(target)} characters long; at most {LONGEST_TARGET} are taken")
            continue
        if kind != "http" and "://" in target:
            yield Fault(("targets", place), f"{shown(target)} is a URL; a {kind} check wants host:port")
            continue
        try:
            where = endpoint_text(kind, target)
        except ValueError as error:
            yield Fault(("targets", place), str(error))
            continue
        if kind == "http" and (key := secret_query_key(target)):
            complaint = f"the URL's query carries a secret ({key}), and a plan holds none; take it out"
            yield Fault(("targets", place), complaint)
            continue
        same = target if kind == "http" else where
        if same in seen:
            yield Fault(("targets", place), f"{shown(target)} is the same as {shown(seen[same])}; take one out")
        seen.setdefault(same, target)


def _turn_faults(every: object, period: Any) -> Iterator[Fault]:
    """Parts of a check that are to be done more often than the check itself is run."""
    turns = every.items() if isinstance(every, dict) else [("", every)]
    for name, text in turns if good(period) else ():
        turn = convert_value(text, Duration, [])
        if good(turn) and turn < period:
            path = ("every", name) if name else ("every",)
            yield Fault(
                path, f"{turn} is shorter than the period, {period}; write {period} or more, or a shorter period"
            )


def _pace_faults(keys: CheckKeys, defaults: Defaults, whose: str = "[defaults]") -> Iterator[Fault]:
    """A check's own period and timeout, or the default ones: within bounds, and one shorter than the other."""
    period, timeout = keys.period or defaults.period, keys.timeout or defaults.timeout
    if good(timeout) and timeout < SHORTEST_TIMEOUT:
        yield Fault(("timeout",), f"{timeout} is out of bounds; wants {SHORTEST_TIMEOUT} or more")
    if not good(period):
        return
    inherited = f" (from {whose})" if keys.period is None else ""
    if not FASTEST <= period <= SLOWEST:
        yield Fault(("period",), f"{period}{inherited} is out of bounds; wants {FASTEST} to {SLOWEST}")
    elif good(keys.external) and keys.external and period < FASTEST_EXTERNAL:
        yield Fault(
            ("period",),
            f"{period}{inherited} is too fast for a target that others run; write {FASTEST_EXTERNAL} or more, "
            "or external = false if it is yours",
        )
    if good(timeout) and timeout >= period:
        its = f" (from {whose})" if keys.timeout is None else ""
        yield Fault(("timeout",), f"{timeout}{its} is not shorter than the period, {period}{inherited}")
