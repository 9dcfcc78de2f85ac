"""The walk from the roots down to a zone's servers (RFC 1034 section 5.3.3), as an iterative resolver would, but in the
open: whom it asked and what they said are values.

What lies above a zone is remembered for as long as its TTL says (Walked.cuts); a remembered cut whose servers fail is
forgotten, and the walk starts once more from the top. A zone's own delegation is read anew each time it is asked for.
"""

from collections.abc import Iterable

import msgspec
import trio

from parallax.operators import operator_of
from parallax.values import Address, is_ip
from probe.dns.classes import ANSWERS, auth_class, own_delegation, referral, soa_owner
from probe.dns.client import Asked, Server, ask_again
from probe.dns.cuts import Cut, Delegation, Host, ParentSays, WalkFailed
from probe.dns.descent import TRY_S, Descent, Landed, kept_s, query_for
from probe.dns.names import above, is_below, is_under
from probe.side_by_side import side_by_side
from probe.sites.name_servers import site_of_identity
from probe.tools import Tools

__all__ = ["addresses_of", "delegation", "operator_of", "zone_of"]

PARENTS_ASKED = 2
MOST_PARENTS = 32
MOST_FOR_HOST = 40
"""Queries of a walk for one host's addresses."""


async def delegation(
    zone: str, tools: Tools, timeout_s: float, *, all_parents: bool = False
) -> Delegation | WalkFailed:
    """The zone's delegation as two of its parent's servers have it now, by turns; all of them if asked for.

    Takes `timeout_s` at most. Servers of families that the probe lacks are without those addresses.
    """
    walker = _Walk(tools, timeout_s)
    return await walker.bounded(lambda: walker.delegation(zone, all_parents), zone)


async def zone_of(name: str, tools: Tools, timeout_s: float, *, fresh: bool = False) -> Cut | WalkFailed:
    """The deepest zone cut at or above the name, with its servers. `fresh` forgets the cut first, so that its parent is
    asked again."""
    walker = _Walk(tools, timeout_s)
    return await walker.bounded(lambda: walker.zone_of(name, fresh), name)


async def addresses_of(host: str, tools: Tools, timeout_s: float) -> Host:
    """The addresses of a name server's name, of the probe's families, found from the roots down. An alias is none
    (RFC 2181 section 10.3)."""
    if is_ip(host):
        return Host(name=host, ips=(host,))
    walker = _Walk(tools, timeout_s, MOST_FOR_HOST)
    with trio.move_on_after(timeout_s):
        return await walker.host(host)
    return walker.stale_host(host) or Host(name=host, failure="timeout")


class _Walk(Descent):
    """The walks that people ask for."""

    # A zone's own delegation

    async def delegation(self, zone: str, all_parents: bool) -> Delegation | WalkFailed:
        landed = await self._descend(zone, "NS", (), below=zone)
        if isinstance(landed, WalkFailed):
            return landed
        cut = landed.cut
        if landed.onward is None:
            cut = await self._parent_cut(zone, landed)
        cut = await self._filled(cut, (), everyone=all_parents)
        parents = await self._ask_parents(zone, cut, landed, all_parents)
        told = [each for each in parents if each.failure is None]
        if not told:
            words = {each.failure for each in parents}
            word = "no_delegation" if "no_delegation" in words else "lame"
            return WalkFailed(word=word, zone=cut.zone, detail=_no_delegation(zone, landed), parents=parents)
        names = sorted({name for each in told for name in each.ns})
        glue = {name: _merged(each.glue.get(name, ()) for each in told) for name in names}
        ttl = min(each.ttl for each in told)
        servers = await self._servers(zone, names, glue, ())
        found = Delegation(
            zone=zone,
            parent=cut.zone,
            parents=parents,
            ns=tuple(names),
            ds=_merged(each.ds for each in told),
            ttl=ttl,
            servers=servers,
        )
        self._keep(found.cut)
        return found

    async def _parent_cut(self, zone: str, landed: Landed) -> Cut:
        """The parent, where the servers asked serve the zone itself as well, or say that it is no zone. One answer to
        DS comes from the parent's side (RFC 4035 section 3.1.4.1), and its SOA names the parent."""
        owner = soa_owner(landed.reply)
        if own_delegation(landed.reply, zone, landed.cut.zone) is not None:
            asked = await self._ask(query_for(zone, "DS"), landed.asked.server, TRY_S, ask_again)
            owner = soa_owner(asked.reply) if asked.reply is not None else None
        if owner is None or not is_below(zone, owner) or not is_below(owner, landed.cut.zone):
            return landed.cut
        return await self._nested(owner, landed) or landed.cut

    async def _nested(self, zone: str, landed: Landed) -> Cut | None:
        """A zone that the servers asked turn out to serve beside the one that led to them."""
        known = self._walked.cuts.get(zone, trio.current_time())
        if known is not None:
            return known
        asked = await self._ask(query_for(zone, "NS"), landed.asked.server, TRY_S, ask_again)
        own = own_delegation(asked.reply, zone, landed.cut.zone) if asked.reply is not None else None
        return self._learn(own, landed.cut.zone) if own is not None else None

    async def _ask_parents(self, zone: str, cut: Cut, landed: Landed, everyone: bool) -> tuple[ParentSays, ...]:
        """What the parent's servers say: the one that led here, and the next ones in turn."""
        first = landed.asked.server.address
        rest = [address for address in self._in_turn(cut, f"parents of {zone}") if address != first]
        names = {address: server.name for server in cut.servers for address in server.addresses}
        chosen = [first, *rest] if everyone else [first, *rest[: PARENTS_ASKED - 1]]
        says: dict[Address, ParentSays] = {}

        async def one(address: Address) -> None:
            own = landed.asked if address == first else None
            says[address] = await self._parent_says(
                zone, cut, Server(address=address, name=names.get(address, "")), own
            )

        await side_by_side(one, chosen[:MOST_PARENTS])
        return tuple(says[address] for address in sorted(says))

    async def _parent_says(self, zone: str, cut: Cut, server: Server, known: Asked | None) -> ParentSays:
        answers: dict[str, Asked] = {} if known is None else {"NS": known}

        async def one(rdtype: str) -> None:
            answers[rdtype] = await self._ask(query_for(zone, rdtype), server, TRY_S * 1.5, ask_again)

        await side_by_side(one, [rdtype for rdtype in ("NS", "DS") if rdtype not in answers])
        ds, ds_failure = _ds(answers["DS"], zone, cut.zone)
        asked = answers["NS"]
        says = ParentSays(server=server.name, address=server.address, ds=ds, ds_failure=ds_failure)
        if asked.reply is None:
            return msgspec.structs.replace(says, failure=asked.outcome)
        site = site_of_identity(asked.reply.nsid, server.name)
        says = msgspec.structs.replace(says, site=site.name if site is not None else None)
        onward, own = referral(asked.reply, cut.zone, zone), own_delegation(asked.reply, zone, cut.zone)
        found = own or (onward if onward is not None and onward.zone == zone else None)
        if found is None:
            word = auth_class(asked.reply, cut.zone, zone, "NS")
            return msgspec.structs.replace(says, failure="no_delegation" if word in ANSWERS else word)
        return msgspec.structs.replace(
            says, ns=found.ns, glue=found.glue, ttl=found.ttl, answers_for_child=own is not None
        )

    # The zone of a name

    async def zone_of(self, name: str, fresh: bool) -> Cut | WalkFailed:
        now = trio.current_time()
        if fresh:
            self._walked.cuts.drop(self._walked.zone_of.stale(name) or name)
            self._walked.zone_of.drop(name)
        known = self._walked.zone_of.get(name, now)
        cut = self._walked.cuts.get(known, now) if known else None
        if cut is not None:
            return await self._filled(cut, (), everyone=True)
        landed = await self._descend(name, "SOA", ())
        if isinstance(landed, WalkFailed):
            return landed
        found = await self._zone_landed(name, landed)
        self._walked.zone_of.put(name, found.zone, now + kept_s(found.ttl))
        return await self._filled(found, (), everyone=True)

    async def _zone_landed(self, name: str, landed: Landed) -> Cut:
        """The zone that a name with an authoritative answer about its SOA is in."""
        if any(record.type == "SOA" and record.owner == name for record in landed.reply.answers):
            zone = name
        elif landed.reply.answers:  # an alias is never a zone's own name: it is in the zone of the name above it
            upper = above(name)
            if not is_below(upper, landed.cut.zone):
                return landed.cut
            asked = await self._ask(query_for(upper, "SOA"), landed.asked.server, TRY_S, ask_again)
            if asked.reply is None:
                return landed.cut
            return await self._zone_landed(upper, msgspec.structs.replace(landed, asked=asked, reply=asked.reply))
        else:
            zone = soa_owner(landed.reply) or landed.cut.zone
        if not (is_under(name, zone) and is_below(zone, landed.cut.zone)):
            return landed.cut
        return await self._nested(zone, landed) or landed.cut


def _ds(asked: Asked, zone: str, parent: str) -> tuple[tuple[str, ...], str | None]:
    if asked.reply is None:
        return (), asked.outcome
    word = auth_class(asked.reply, parent, zone, "DS")
    if word not in ANSWERS:
        return (), word
    records = [record.text for record in asked.reply.answers if record.type == "DS" and record.owner == zone]
    return tuple(sorted(records)), None


def _no_delegation(zone: str, landed: Landed) -> str:
    if landed.reply.rcode == "NXDOMAIN":
        return f"{zone} does not exist"
    if any(record.type == "CNAME" and record.owner == zone for record in landed.reply.answers):
        return f"{zone} is an alias, not a zone"
    owner = soa_owner(landed.reply)
    return f"{zone} is a name in the zone {owner}, not a zone of its own" if owner else f"{zone} is not delegated"


def _merged(sets: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({each for one in sets for each in one}))
