"""The kind `dns.parity`: what the primary operator serves of a zone, and whether the fallback serves the same, question
by question. A zone cannot be transferred from most operators, so the inventory is the plan's names, those that mail and
certificates need, and those that other checks met.
"""

import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import trio

from parallax.operators import planned_operator
from parallax.plan.dns_specs import ParitySpec
from parallax.plan.inventory import APEX, Item, inventory, label_of
from probe.checks.parity_compare import UNKNOWN, WILDCARD, Row, Seen, compare, ns_row, seen, worst_first
from probe.checks.parity_side import AT_ONCE, Reached, Side
from probe.checks.parity_words import because, groups, reason_of
from probe.dns.cuts import Delegation
from probe.dns.dnssec import ds_matches
from probe.dns.dnssec import load as load_dnssec
from probe.dns.message import load_types
from probe.dns.names import target_of
from probe.dns.operators import by_operator, planned_servers
from probe.dns.walk import delegation
from probe.judges.connection import judge_connection
from probe.judges.exchange import OURS, judge_outcome
from probe.kind import Subject
from probe.remaining import left_s
from probe.sites.site import note_site
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

MAX_ROWS = 50
MAX_UNLISTED = 20
MAX_MET = 200
MOST_ITEMS = 4000
MAX_OPERATORS = 20
MOST_ONWARD = 8
"""Hosts of one MX record set that are compared as well."""
RESERVE_S = 0.3
"""Time that is kept for writing up what was compared."""


def load(target: str) -> None:
    """What reads the records, and what compares keys."""
    load_types(("A", "AAAA", "CAA", "CDS", "DNSKEY", "DS", "HTTPS", "MX", "NS", "SOA", "SRV", "TLSA", "TXT"))
    load_dnssec()


async def find(spec: ParitySpec, target: str, tape: Tape, tools: Tools) -> list[Subject]:
    """The pair of operators."""
    dims = {"zone": spec.zone, "operator": spec.fallback}
    return [Subject(target=target, host=target, name=f"{spec.primary} -> {spec.fallback}", dims=dims)]


async def run(spec: ParitySpec, subject: Subject, tape: Tape, tools: Tools) -> None:
    """Phases: `walk` (the delegation and both sides' servers), `reach` (the SOA at both), `compare`."""
    deadline = trio.current_effective_deadline() - RESERVE_S
    with tape.phase("walk"):
        delegated = await delegation(spec.zone, tools, left_s(kept_s=RESERVE_S) / 3)
        if not isinstance(delegated, Delegation):
            tape.note(walk=delegated.word)
        cut = delegated.cut if isinstance(delegated, Delegation) else None
        served_by = {} if cut is None else by_operator(cut, tools)
        if served_by:
            tape.note(delegated=sorted(served_by)[:MAX_OPERATORS])
        sides = {}
        for name, extra in ((spec.primary, []), (spec.fallback, spec.servers)):
            servers = list(served_by.get(name, ()))
            servers += await planned_servers(name, tools, left_s(kept_s=RESERVE_S) / 3, extra)
            sides[name] = Side(name, spec.zone, servers, tools)
    primary, fallback = sides[spec.primary], sides[spec.fallback]
    with tape.phase("reach"):
        reached = await _side_by_side(
            *(partial(side.reach, left_s(kept_s=RESERVE_S) / 2) for side in (primary, fallback))
        )
        for word, side, one in zip(("primary", "fallback"), (primary, fallback), reached, strict=True):
            _note_side(tape, word, side, one)
        note_site(tape, reached[1].site)
    if any(one.word for one in reached):
        return
    ds = delegated.ds if isinstance(delegated, Delegation) else ()
    comparing = _Comparing(spec, tape, tools, primary, fallback, ds)
    tape.read_later(comparing.findings)
    with tape.phase("compare"), trio.move_on_at(deadline):
        await comparing.ask()


def _note_side(tape: Tape, word: str, side: Side, reached: Reached) -> None:
    found: dict[str, Any] = {"operator": side.name, "state": reached.word or "serves"}
    if side.address is not None and reached.word is None:
        found["address"] = str(side.address)
    if reached.site is not None:
        found["site"] = reached.site.name
    others = {address: said for address, said in reached.said.items() if said != "auth_answer"}
    if others:
        found["failing"] = others
    tape.note(**{word: found})


class _Comparing:
    """The questions and both sides' answers, as far as they came."""

    def __init__(
        self, spec: ParitySpec, tape: Tape, tools: Tools, primary: Side, fallback: Side, ds: tuple[str, ...]
    ) -> None:
        self._spec, self._tools, self._ds = spec, tools, ds
        self._primary, self._fallback = primary, fallback
        met = [name for name in tools.memory.names.under(spec.zone) if label_of(name, spec.zone)]
        self._items = inventory(spec, met[-MAX_MET:])
        self._wildcards = [
            Item(label=WILDCARD, type="A", severity="low"),
            Item(label=WILDCARD, type="TXT", severity="low"),
        ]
        self._places = {(item.label, item.type): place for place, item in enumerate(self._items)}
        self._rows: list[tuple[int, Row]] = []
        """With the place of the question, as answers come in any order."""
        self._led: dict[tuple[str, str], Item] = {}
        """By label and type: what leads there, and so says what the record is for."""
        self._compared = 0
        self._apex: dict[str, Seen] = {}
        """The fallback's answers at the zone itself, by type, where more than one side's answer is looked at."""

    async def ask(self) -> None:
        """Asks both sides for everything, the worst to lack first; of the rest, others first each time, so that what
        there was no time for has its turn."""
        first = [item for item in self._items if item.severity == "critical" or item.label == APEX]
        rest = [item for item in self._items if item not in first]
        # Strides of the golden ratio spread the beginnings evenly, however much a run gets through.
        turn = int(self._tools.memory.turn(f"dns.parity {self._spec.zone}") * 0.618034 * len(rest)) % (len(rest) or 1)
        waiting = deque([*first, *self._wildcards, *rest[turn:], *rest[:turn]])

        async def worker() -> None:
            while waiting and not self._gone:
                item = waiting.popleft()
                one, other = await self._one(item)
                self._compare(item, one, other)
                waiting.extendleft(reversed(self._onward(item, one)))

        async with trio.open_nursery() as nursery:
            for _ in range(2 * AT_ONCE):
                nursery.start_soon(worker)

    async def _one(self, item: Item) -> tuple[Seen, Seen]:
        zone = self._spec.zone
        label = secrets.token_hex(8) if item.label == WILDCARD else item.label
        name = Item(label=label, type=item.type).name(zone)

        async def said(side: Side) -> Seen:
            asked = await side.ask(name, item.type)
            return UNKNOWN if asked is None or asked.reply is None else seen(asked.reply, name, item.type, zone)

        one, other = await _side_by_side(partial(said, self._primary), partial(said, self._fallback))
        return one, other

    def _compare(self, item: Item, one: Seen, other: Seen) -> None:
        if UNKNOWN in (one, other):
            return
        self._compared += 1
        if item.label == APEX and item.type in ("NS", "DNSKEY"):
            self._apex[item.type] = other
        row = compare(item, one, other, differing=item.label in self._spec.differing)
        if row is not None:
            self._rows.append((self._places.get((item.label, item.type), 0), row))

    def _onward(self, item: Item, one: Seen) -> list[Item]:
        """What a record leads to within the zone is needed as much as the record itself: the target of an alias, the
        host of an MX."""
        wanted = {"CNAME": (item.type,), "MX": ("A", "AAAA")}.get(one.type, ()) if one.kind == "data" else ()
        found = []
        for value in sorted(one.values)[:MOST_ONWARD] if wanted and item.label != WILDCARD else ():
            target = target_of(value)
            self._tools.memory.names.note(target)
            label = label_of(target, self._spec.zone)
            for rdtype in wanted if label is not None else ():
                onward = msgspec.structs.replace(item, label=label, type=rdtype)
                if item.purpose:
                    self._led.setdefault((onward.label, rdtype), item)
                if (onward.label, rdtype) not in self._places and len(self._items) < MOST_ITEMS:
                    self._places[onward.label, rdtype] = len(self._items)
                    self._items.append(onward)
                    found.append(onward)
        return found

    def findings(self) -> dict[str, Any]:
        """What the answers come to."""
        rows = [self._purposed(row) for _, row in sorted(self._rows, key=lambda placed: placed[0])]
        if (row := self._name_servers(self._apex.get("NS"))) is not None:
            rows.append(row)
        rows = worst_first(rows)
        keys = self._apex.get("DNSKEY")
        bogus = bool(self._ds) and keys is not None and not ds_matches(self._ds, keys.values, self._spec.zone)
        unlisted = sorted({item.label for item in self._items if not item.listed})
        return {
            "inventory": len(self._items) + len(self._wildcards),
            "compared": self._compared,
            "queries": self._primary.asked + self._fallback.asked,
            "rows": [row.as_finding() for row in rows[:MAX_ROWS]],
            "counts": groups(rows),
            "signed": bool(self._ds),
            **({"would_go_bogus": True} if bogus else {}),
            **({"unlisted": unlisted[:MAX_UNLISTED]} if unlisted else {}),
            **({"gone": [side.name for side in (self._primary, self._fallback) if side.gone]} if self._gone else {}),
        }

    def _purposed(self, row: Row) -> Row:
        """A name that was met, and that nobody listed, is for what leads to it."""
        by = self._led.get((row.name, row.type))
        return (
            row if row.purpose or by is None else msgspec.structs.replace(row, purpose=by.purpose, severity=by.severity)
        )

    @property
    def _gone(self) -> bool:
        return self._primary.gone or self._fallback.gone

    def _name_servers(self, fallback: Seen | None) -> Row | None:
        """Only where the plan says by names which servers are the fallback's: else none can be told from others."""
        operators = [each for each in self._tools.operators if each.name == self._spec.fallback]
        if fallback is None or not any(
            not text[:1].isdigit() and ":" not in text for o in operators for text in o.servers
        ):
            return None
        return ns_row(fallback, lambda name: planned_operator(name, "", operators) is not None)


async def _side_by_side(*functions: Callable[[], Awaitable[Any]]) -> list[Any]:
    results: list[Any] = [None] * len(functions)

    async def one(place: int, function: Callable[[], Awaitable[Any]]) -> None:
        results[place] = await function()

    async with trio.open_nursery() as nursery:
        for place, function in enumerate(functions):
            nursery.start_soon(one, place, function)
    return results


def judge(spec: ParitySpec, evidence: Evidence) -> Verdict | None:
    """A side that does not answer first, as then nothing is claimed of the records; then the worst difference."""
    findings = evidence.findings
    primary, fallback = findings.get("primary"), findings.get("fallback")
    if evidence.failure not in (None, "timeout"):
        return judge_connection(evidence)
    if primary is None or fallback is None:
        return _unknown("the servers of the two could not be found in time")
    for side in (primary, fallback):
        if side["state"] in OURS:
            return judge_outcome(side["state"])
    if fallback["state"] == "not_served":
        word = next(iter(fallback.get("failing", {}).values()), "")
        shown = word.removeprefix("lame_").upper() if word.startswith("lame_") else word
        return Verdict("parity_not_served", note={"because": f"does not serve the zone ({shown})"})
    for which, side in (("primary", primary), ("fallback", fallback)):
        if side["state"] == "no_servers" and findings.get("walk") == "no_delegation":
            return _unknown(
                f"{spec.zone} is not delegated, and the plan does not say where {side['operator']} serves it"
            )
        if side["state"] != "serves":
            return _unknown(f"{side['operator']}, the {which}, {_STATES.get(side['state'], 'does not answer')}")
    if "rows" not in findings:
        return judge_connection(evidence) or Verdict("probe_error")
    return _judge_rows(findings)


_STATES = {
    "dark": "does not answer",
    "not_served": "does not serve the zone",
    "no_servers": "has no server that is known",
}


def _unknown(why: str) -> Verdict:
    return Verdict("parity_unknown", note={"because": f"cannot be compared: {why}"})


def _judge_rows(findings: dict[str, Any]) -> Verdict | None:
    rows, counts = findings["rows"], findings["counts"]
    sentence = because(rows, counts)
    if findings.get("would_go_bogus"):
        more = f"; {sentence}" if sentence and rows[0]["severity"] != "low" else ""
        return Verdict("parity_would_go_bogus", note={"because": f"has no key that the parent's DS records fit{more}"})
    worst = rows[0] if rows else None
    if worst is not None and worst["severity"] != "low":
        return Verdict(reason_of(worst["class"], worst["severity"]), note={"because": sentence})
    if findings.get("gone"):
        return _unknown(f"{', '.join(findings['gone'])} stopped answering")
    if findings["compared"] < findings["inventory"]:
        why = f"was compared at {findings['compared']} of {findings['inventory']} questions only"
        return Verdict("parity_incomplete", note={"because": why})
    return Verdict(reason_of(worst["class"], worst["severity"]), note={"because": sentence}) if worst else None
