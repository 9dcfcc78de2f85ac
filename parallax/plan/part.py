"""A probe's part of a plan: what the collector serves it as JSON, and how the probe reads it back.

Writer and reader may be of different versions. The writer leaves out what is at its default; the reader passes over
fields it does not know, and converts checks one by one, so that an unknown kind or key costs only that check.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from parallax.plan.checks import Unsupported, check_table, convert_check
from parallax.plan.loads import Loads, loads_of
from parallax.plan.slots import slots_of
from parallax.plan.types import SCHEMA, Check, ConnectTo, Control, Dns, Operator, Part, Plan, Probe, Resolver, Share
from parallax.values import decode_value, encode_value


class PartError(ValueError):
    """The bytes are no part of a plan that this version can read; the message is one line."""


class NoSuchProbe(msgspec.Struct, frozen=True):
    """A probe that the plan does not have."""

    id: str

    def __str__(self) -> str:
        return f'the plan has no [[probe]] with id = "{self.id}"; add one, or mend the id in the probe\'s config'


def check_texts(plan: Plan) -> dict[str, msgspec.Raw]:
    """The plan's checks by name as parts carry them; whoever makes many parts makes these once."""
    return {check.name: msgspec.Raw(msgspec.json.encode(check_table(check))) for check in plan.check}


def part_of(
    plan: Plan, probe_id: str, texts: Mapping[str, msgspec.Raw] | None = None, loads: Loads | None = None
) -> Part | NoSuchProbe:
    """What one probe needs of a plan. A plan without any [[probe]] gives all of itself to whoever asks.

    `texts` is `check_texts(plan)`, and `loads` `loads_of(plan)`, if they are at hand."""
    probe = next((probe for probe in plan.probe if probe.id == probe_id), None)
    if probe is None and plan.probe:
        return NoSuchProbe(probe_id)
    known = {probe.id: probe for probe in plan.probe}
    checks = [check for check in plan.check if not check.probes or probe_id in check.probes]
    if texts is None:
        texts = check_texts(plan)
    return Part(
        probe=probe or Probe(id=probe_id),
        slot=slots_of(plan.probe).get(probe_id, (0, 1)),
        control=plan.control,
        operator=plan.operator,
        resolver=plan.resolver,
        connect_to=plan.connect_to,
        dns=plan.dns,
        check=[texts[check.name] for check in checks],
        slots={
            check.name: slots_of(known.get(name, Probe(id=name)) for name in set(check.probes))[probe_id]
            for check in checks
            if check.probes
        },
        shares=(loads or loads_of(plan)).shares(checks, alone=not plan.probe),
    )


def part_checks(part: Part) -> Iterator[Check | Unsupported]:
    """The part's checks, one by one; what this version cannot run comes as Unsupported. Never raises."""
    for raw in part.check:
        yield convert_check(msgspec.json.decode(raw), of_part=True)


def part_hash(part: Part) -> str:
    """16 hex digits that change with anything in the part: the ETag."""
    return _hash(_canonical(part))


def plan_hash(plan: Plan) -> str:
    """16 hex digits that change with anything that the plan says, but not with how its files say it."""
    checks = [check_table(check) for check in plan.check]
    rest = msgspec.structs.replace(plan, check=[])
    return _hash(msgspec.json.encode([checks, rest], enc_hook=encode_value, order="deterministic"))


def encode_part(part: Part) -> bytes:
    """The part as JSON."""
    return msgspec.json.encode(part, enc_hook=encode_value)


def decode_part(body: bytes) -> Part:
    """A part from JSON, from this or another version. Raises PartError."""
    try:
        loose = msgspec.json.decode(body, type=_LoosePart)
        if loose.schema != SCHEMA:
            raise PartError(f"the plan has schema {loose.schema}; this probe reads {SCHEMA}")
        for raw in loose.check:
            msgspec.json.decode(raw)  # hostile nesting shows here, not later
        return Part(
            probe=_value(loose.probe, Probe),
            slot=loose.slot,
            control=_value(loose.control, Control),
            dns=_value(loose.dns, Dns),
            operator=list(_known(loose.operator, Operator)),
            resolver=list(_known(loose.resolver, Resolver)),
            connect_to=[_value(raw, ConnectTo) for raw in loose.connect_to],
            check=[raw.copy() for raw in loose.check],
            slots=loose.slots,
            shares=loose.shares,
        )
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise PartError(f"the collector's answer is no plan: {str(error)[:200]}") from None


class _LoosePart(msgspec.Struct):
    """A part of which only the frame is typed."""

    probe: msgspec.Raw
    slot: tuple[int, int]
    schema: int = SCHEMA
    control: msgspec.Raw = msgspec.Raw(b"{}")
    dns: msgspec.Raw = msgspec.Raw(b"{}")
    operator: list[msgspec.Raw] = []
    resolver: list[msgspec.Raw] = []
    connect_to: list[msgspec.Raw] = []
    check: list[msgspec.Raw] = []
    slots: dict[str, tuple[int, int]] = {}
    shares: dict[str, Share] = {}


def _value(raw: msgspec.Raw, kind: Any) -> Any:
    return msgspec.json.decode(raw, type=kind, dec_hook=decode_value)


def _known(raws: list[msgspec.Raw], kind: Any) -> Iterator[Any]:
    """Those that this version can read; a newer collector may have words that nothing here uses."""
    for raw in raws:
        try:
            yield _value(raw, kind)
        except msgspec.ValidationError:
            continue


def _canonical(part: Part) -> bytes:
    plain = msgspec.json.decode(encode_part(part))
    return msgspec.json.encode(plain, order="sorted")


def _hash(canonical: bytes) -> str:
    return hashlib.blake2b(canonical, digest_size=8).hexdigest()
