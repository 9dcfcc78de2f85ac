"""Where names lead: the chain that most probes saw last. Pure."""

from collections import Counter
from hashlib import blake2b
from typing import Any

import msgspec

from collector.board import ChainBoard, HopBoard
from collector.detect.numbers import whole
from collector.detect.view import CheckView, View
from parallax.observation import Observation

MAX_CHAINS = 2000
MAX_SHAPES = 8
MAX_HOPS = 16
MAX_PROBES = 200
FLAGS = ("shared_fate", "flattened", "workaround", "unexpected", "stale", "disagree")


class Hop(msgspec.Struct, array_like=True):
    owner: str
    target: str
    type: str
    zone: str
    operators: tuple[str, ...]
    ttl: int | None


class Shape(msgspec.Struct):
    """A chain as it was seen."""

    hops: tuple[Hop, ...]
    flags: tuple[str, ...]


class Said(msgspec.Struct, array_like=True):
    """The newest word of one probe. `broken` is the owner of the hop that fails for it, `reason` why."""

    at: int
    signature: str
    broken: str = ""
    reason: str = ""
    way: str = ""
    """The sign of the hops with their zones and operators."""


class Chain(msgspec.Struct):
    at: int
    said: dict[str, Said] = {}
    shapes: dict[str, Shape] = {}
    """By signature."""
    signature: str = ""
    """That of most probes."""
    since: int = 0

    @property
    def shown(self) -> Shape | None:
        return self.shapes.get(self.signature)


def note_chain(chains: dict[str, Chain], check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Takes one walk. One that ended at a hop that does not answer says where it broke, and nothing of what is
    behind."""
    name = f"{check.name}\x1f{observation.target}"
    chain = chains.get(name)
    if chain is None:
        if len(chains) >= MAX_CHAINS:
            del chains[min(chains, key=lambda each: chains[each].at)]
        chain = chains[name] = Chain(at=at)
    before = chain.said.get(probe)
    if before is not None and at < before.at:
        return
    findings = observation.findings
    signature = findings.get("signature")
    hops = _hops(findings)
    whole = isinstance(signature, str) and bool(signature) and bool(hops)
    seen = str(signature)[:64] if whole else before.signature if before else ""
    broken = (observation.dims.get("hop") or (hops[-1].owner if hops else ""))[:255] if observation.reason else ""
    if before is None and len(chain.said) >= MAX_PROBES:
        del chain.said[min(chain.said, key=lambda each: chain.said[each].at)]
    chain.at = max(chain.at, at)
    way = _way(hops) if whole else before.way if before else ""
    chain.said[probe] = Said(at, seen, broken, (observation.reason or "")[:64], way)
    if whole and (seen not in chain.shapes or _vouched(chain, seen, way)):
        chain.shapes[seen] = Shape(hops, tuple(flag for flag in FLAGS if findings.get(flag)))
    elif hops and not chain.shapes:
        chain.shapes[""] = Shape(hops, ())
    counts = Counter(said.signature for said in chain.said.values() if at - said.at <= 2 * check.fresh_ns)
    most = max(counts.values(), default=0)
    if not chain.signature or counts[chain.signature] < most:
        new = next(said for said, number in counts.items() if number == most)
        if new != chain.signature or not chain.since:
            chain.signature, chain.since = new, at
    for old in [each for each in chain.shapes if each != chain.signature and counts[each] == 0]:
        if len(chain.shapes) > 1:
            del chain.shapes[old]
    while len(chain.shapes) > MAX_SHAPES:
        del chain.shapes[next(each for each in chain.shapes if each != chain.signature)]


def _way(hops: tuple[Hop, ...]) -> str:
    texts = [text for hop in hops for text in (hop.owner, hop.target, hop.type, hop.zone, *hop.operators)]
    return blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


def _vouched(chain: Chain, signature: str, way: str) -> bool:
    """Whether a second probe sees the chain of this signature in the same way: whose zones it leads through is no
    matter for one alone."""
    said = [each for each in chain.said.values() if each.signature == signature]
    return sum(each.way == way for each in said) >= min(2, len(said))


def boards_of(chains: dict[str, Chain], view: View, now: int, stale: frozenset[str]) -> tuple[ChainBoard, ...]:
    """As people see them, in the plan's order; `stale` are the names of which resolvers give stale answers."""
    found = []
    for check in view.checks.values():
        for target in check.targets if check.kind == "dns.chain" else ():
            chain = chains.get(f"{check.name}\x1f{target}")
            shape = chain.shown if chain else None
            if chain is None or shape is None:
                continue
            fresh = [said for said in chain.said.values() if now - said.at <= check.fresh_ns]
            broken = Counter((said.broken, said.reason) for said in fresh if said.broken)
            states = {
                owner: reason for (owner, reason), number in reversed(broken.most_common()) if 2 * number > len(fresh)
            }
            flags = [*shape.flags, *(["stale"] if target in stale and "stale" not in shape.flags else [])]
            found.append(
                ChainBoard(
                    check=check.name,
                    name=target,
                    hops=tuple(_board(hop, states) for hop in shape.hops),
                    since=chain.since,
                    flags=tuple(flags),
                )
            )
    return tuple(found)


def _board(hop: Hop, states: dict[str, str]) -> HopBoard:
    return HopBoard(
        owner=hop.owner,
        target=hop.target,
        type=hop.type,
        zone=hop.zone,
        operator=", ".join(hop.operators),
        ttl=hop.ttl,
        state=states.get(hop.owner, "ok"),
    )


def _hops(findings: dict[str, Any]) -> tuple[Hop, ...]:
    listed = findings.get("hops")
    found = []
    for hop in listed[:MAX_HOPS] if isinstance(listed, list) else ():
        if isinstance(hop, dict) and isinstance(hop.get("owner"), str):
            several = hop.get("operators")
            names = several if isinstance(several, list) else [hop.get("operator")]
            ttl = whole(hop.get("ttl"), 2**31)
            found.append(
                Hop(
                    _text(hop["owner"]),
                    _text(hop.get("target")),
                    _text(hop.get("type")),
                    _text(hop.get("zone")),
                    tuple(_text(name)[:100] for name in names[:8] if isinstance(name, str) and name),
                    ttl,
                )
            )
    return tuple(found)


def _text(value: object) -> str:
    return value[:255] if isinstance(value, str) else ""
