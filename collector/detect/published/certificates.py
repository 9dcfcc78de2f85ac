"""Certificates: which one each address of a name shows to each probe, and when that changes. Pure.

A name may have many at a time: one a site, one a kind of key. So a change is not that an address shows another than it
did, but that one shows up which the name did not have. A renewal reaches addresses one by one; it is told once, when
all have it, or after a while with how far it got. Another issuer is told as soon as every probe had its turn.
"""

from collections import Counter
from typing import Any

import msgspec

from collector.board import CertificateBoard, LeafBoard
from collector.detect.numbers import LAST_NS, instant
from collector.detect.view import HANDSHAKES, CheckView, View, for_check
from collector.events import EventData, FaultDomain, Noticed
from parallax.clock import NS, rfc3339
from parallax.observation import Observation
from parallax.reasons import REASONS
from parallax.spans import lasting

MAX_NAMES = 1000
MAX_SHOWN = 600
MAX_OWN = 20
"""Addresses of one name of which one probe speaks: it looks at 16."""
MAX_LEAVES = 64
MAX_TEXT = 120
PATIENCE_NS = 600 * NS
"""A renewal that has not reached every address by then is told as it stands."""
LOOKING_NS = 3600 * NS
"""Who looked within this is one who could bear out what another sees."""
GIVEN_UP_NS = 3600 * NS
"""What one probe alone saw, and nobody else within this, is not the name's certificate but something on its way."""


class Leaf(msgspec.Struct, array_like=True):
    """A certificate. Times are ns since the Unix epoch. `new_since` 0: it is no news any more."""

    issuer: str
    ends_at: int
    seen_at: int
    new_since: int = 0


class Shown(msgspec.Struct, array_like=True):
    """What an address last showed a probe, and the certificate before that."""

    sha256: str
    at: int
    before: str = ""


class Name(msgspec.Struct):
    """A name and a port."""

    check: str
    host: str
    born_at: int
    at: int
    fresh_ns: int
    leaves: dict[str, Leaf] = {}
    """By fingerprint: sha256 of the DER, hex."""
    shown: dict[str, Shown] = {}
    """By address and probe."""


def note_certificate(names: dict[str, Name], check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Takes the certificate that one handshake showed, if it was accepted."""
    if check.kind not in HANDSHAKES or observation.target not in check.targets:
        return
    leaf = _leaf(observation)
    if leaf is None:
        return
    sha256 = leaf["sha256"][:64]
    name = check.targets[observation.target].shows
    address = observation.subject[:MAX_TEXT].rpartition(":")[0]
    found = names.get(name)
    if found is None:
        if len(names) >= MAX_NAMES:
            del names[min(names, key=lambda each: names[each].at)]
        shown_as = name.removesuffix(":443")
        found = names[name] = Name(check=check.name, host=shown_as, born_at=at, at=at, fresh_ns=check.fresh_ns)
    place = f"{address}\x1f{probe}"
    said = found.shown.get(place)
    if said is not None and at < said.at:
        return
    if said is not None and said.sha256 == sha256 and (known := found.leaves.get(sha256)) is not None:
        said.at = at
        known.seen_at, found.at = max(known.seen_at, at), max(found.at, at)
        return
    if said is None and not _has_room(found, probe):
        return
    if sha256 not in found.leaves:
        if not _drop_leaf(found):
            return
        new_since = at if at > found.born_at + found.fresh_ns else 0
        found.leaves[sha256] = _described(leaf, observation.findings, at, new_since)
    known = found.leaves[sha256]
    known.seen_at, found.at = max(known.seen_at, at), max(found.at, at)
    before = said.sha256 if said is not None and said.sha256 != sha256 else said.before if said is not None else ""
    found.shown[place] = Shown(sha256, at, before)


def tell_certificates(names: dict[str, Name], view: View, now: int, told: list[EventData]) -> None:
    """Says which names have another certificate now."""
    for found in names.values():
        new = {sha256: leaf for sha256, leaf in found.leaves.items() if leaf.new_since}
        if not new:
            continue
        looking = {place.partition("\x1f")[2] for place, said in found.shown.items() if now - said.at <= LOOKING_NS}
        fresh = {place: said for place, said in found.shown.items() if now - said.at <= 2 * found.fresh_ns}
        seen_by: dict[str, set[str]] = {}
        for place, said in fresh.items():
            seen_by.setdefault(said.sha256, set()).add(place.partition("\x1f")[2])
        for sha256, leaf in list(new.items()):
            if len(seen_by.get(sha256, ())) < min(2, max(len(looking), 1)):
                fresh = {place: said for place, said in fresh.items() if said.sha256 != sha256}
                del new[sha256]
                if now - leaf.new_since >= GIVEN_UP_NS:
                    leaf.new_since = 0
        age = now - min((leaf.new_since for leaf in new.values()), default=now)
        if age < found.fresh_ns:
            continue
        on_new = {place for place, said in fresh.items() if said.sha256 in new}
        notice = _notice(found, view, fresh, on_new, age)
        if len(on_new) == len(fresh) or age >= PATIENCE_NS or notice.severity == "warning":
            told.append(notice)
            for leaf in new.values():
                leaf.new_since = 0


def certificates_of(names: dict[str, Name], view: View, now: int) -> tuple[CertificateBoard, ...]:
    """The certificates that names show now, by name; the newest first."""
    boards = []
    for _, found in sorted(names.items()):
        if found.check not in view.checks:
            continue
        fresh = {place: said for place, said in found.shown.items() if now - said.at <= 2 * found.fresh_ns}
        leaves = []
        for sha256, leaf in found.leaves.items():
            places = [place for place, said in fresh.items() if said.sha256 == sha256]
            if places:
                addresses = tuple(sorted({place.partition("\x1f")[0] for place in places}))
                probes = tuple(sorted({place.partition("\x1f")[2] for place in places}))
                leaves.append(
                    LeafBoard(
                        sha256=sha256, issuer=leaf.issuer, ends_at=leaf.ends_at, addresses=addresses, probes=probes
                    )
                )
        if leaves:
            leaves.sort(key=lambda each: (-each.ends_at, each.sha256))
            boards.append(CertificateBoard(name=found.host, check=found.check, leaves=tuple(leaves)))
    return tuple(boards)


def rewind_certificates(names: dict[str, Name], at: int) -> None:
    """Time went back: nothing is later than now."""
    for found in names.values():
        found.born_at, found.at = min(found.born_at, at), min(found.at, at)
        for leaf in found.leaves.values():
            leaf.seen_at, leaf.new_since = min(leaf.seen_at, at), min(leaf.new_since, at)
        for said in found.shown.values():
            said.at = min(said.at, at)


def _notice(found: Name, view: View, fresh: dict[str, Shown], on_new: set[str], age: int) -> Noticed:
    counts = Counter(fresh[place].sha256 for place in on_new)
    after = max(counts, key=lambda sha256: (counts[sha256], sha256))
    old = [said.before or said.sha256 for place, said in fresh.items() if place not in on_new or said.before]
    olds = Counter(sha256 for sha256 in old if sha256 in found.leaves and sha256 not in counts)
    before = max(olds, key=lambda sha256: (olds[sha256], sha256), default="")
    new, was = found.leaves[after], found.leaves.get(before)
    addresses = {place.partition("\x1f")[0] for place in fresh}
    whole = addresses - {place.partition("\x1f")[0] for place in fresh if place not in on_new}
    moved = was is not None and was.issuer != new.issuer
    if len(whole) == len(addresses):
        how_far = f"at all {len(addresses)} addresses" if len(addresses) > 1 else ""
    else:
        how_far = f"so far at {len(whole)} of {len(addresses)} addresses" if whole else "in part"
    what = f"is by another issuer: {new.issuer}, not {was.issuer}" if was and moved else "is a new one"
    why = f"ends {rfc3339(new.ends_at)[:10]}, by {new.issuer}" if new.ends_at < LAST_NS else f"by {new.issuer}"
    if len(whole) < len(addresses):
        late = sorted({place.partition("\x1f")[0] for place in fresh if place not in on_new})
        more = f" and {len(late) - 3} more" if len(late) > 3 else ""
        why += f"; for {lasting(age)} now {', '.join(late[:3])}{more} still shows one of before"
    return Noticed(
        word="certificate_issuer_changed" if moved else "certificate_changed",
        severity="warning" if moved else "info",
        title=f"The certificate of {found.host} {what}{', ' if how_far else ''}{how_far}"[:200],
        check=found.check,
        target=found.host,
        before=(before,) if before else (),
        after=tuple(sorted(counts)),
        domain=FaultDomain(kind="endpoint", name=found.host),
        components=for_check(view, found.check),
        probes=tuple(sorted({place.partition("\x1f")[2] for place in on_new})),
        why=why,
    )


def _has_room(found: Name, probe: str) -> bool:
    end = f"\x1f{probe}"
    own = [place for place in found.shown if place.endswith(end)]
    full = own if len(own) >= MAX_OWN else list(found.shown) if len(found.shown) >= MAX_SHOWN else []
    if full:
        oldest = min(full, key=lambda place: found.shown[place].at)
        if found.shown[oldest].at > found.at - found.fresh_ns:
            return False
        del found.shown[oldest]
    return True


def _drop_leaf(found: Name) -> bool:
    """Makes room for one more certificate; False where all there are are shown somewhere."""
    if len(found.leaves) < MAX_LEAVES:
        return True
    used = {said.sha256 for said in found.shown.values()}
    idle = [sha256 for sha256 in found.leaves if sha256 not in used]
    if idle:
        del found.leaves[min(idle, key=lambda sha256: found.leaves[sha256].seen_at)]
    return bool(idle)


def _leaf(observation: Observation) -> dict[str, Any] | None:
    """The certificate, if it has a fingerprint. One that was refused is told as what it is: a fault."""
    reason = observation.reason
    if reason is not None and reason.startswith("tls_") and not ((known := REASONS.get(reason)) and known.soft):
        return None
    chain = observation.findings.get("chain")
    leaf = chain[0] if isinstance(chain, list) and chain else None
    if not isinstance(leaf, dict) or not isinstance(leaf.get("sha256"), str) or not leaf["sha256"]:
        return None
    return leaf


def _described(leaf: dict[str, Any], findings: dict[str, Any], at: int, new_since: int) -> Leaf:
    issuer = findings.get("issued_by") or leaf.get("issuer")
    return Leaf(
        issuer=issuer[:MAX_TEXT] if isinstance(issuer, str) else "",
        ends_at=instant(leaf.get("not_after")),
        seen_at=at,
        new_since=new_since,
    )
