"""A small internet of real servers in a network namespace: a root, a parent, three operators and three resolvers, each
at port 53 of its own documentation addresses, over IPv4 and IPv6. Resolvers follow delegations from the root, and so
does whatever is tested; nothing is redirected.

    with network_namespace() as net:
        async with internet(net) as world:
            net.refuse(*OPERATOR_A)                            # dark
            await world.delegate(NAMES_B)                      # the parent's delegation of idp.example moves
            await world.serve("b1", ZONE, idp_zone(NAMES_B, mail=True))

| Names of servers | What they are | Zones |
|---|---|---|
| root | NSD | . |
| p1, p2 | the parent: NSD and Knot | example |
| a1 .. a4 | operator A: NSD, Knot, NSD, Knot | idp.example, operator-a.test |
| b1, b2 | operator B, the fallback, which lacks the mail records: BIND | idp.example, operator-b.test |
| other | NSD, not concerned by anything | test, acme.test, control.test |
| plain, stale, bind | resolvers: Unbound, Unbound that serves what has expired, BIND | |

idp.example is an auth vendor's; acme.test is a customer's, with the five CNAMEs that such vendors ask for.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import trio

from parallax.values import Address
from tests.parts.bind import bind_authority, bind_resolver
from tests.parts.daemon import Daemon
from tests.parts.knot import knot
from tests.parts.namespace import Namespace
from tests.parts.nsd import nsd
from tests.parts.unbound import SERVE_EXPIRED, unbound
from tests.parts.zones import serve, soa

ZONE = "idp.example"
ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "root": ("198.51.100.1", "2001:db8::1"),
    "p1": ("198.51.100.11", "2001:db8:11::1"),
    "p2": ("198.51.100.12", "2001:db8:11::2"),
    **{f"a{n}": (f"192.0.2.{n}", f"2001:db8:a::{n}") for n in (1, 2, 3, 4)},
    **{f"b{n}": (f"192.0.2.{64 + n}", f"2001:db8:b::{n}") for n in (1, 2)},
    "other": ("203.0.113.10", "2001:db8:3::10"),
    "plain": ("203.0.113.53",),
    "stale": ("203.0.113.54",),
    "bind": ("203.0.113.55",),
    "web": ("203.0.113.80",),
}
RESOLVERS = ("plain", "stale", "bind")
OPERATOR_A = tuple(ip for name in ("a1", "a2", "a3", "a4") for ip in ADDRESSES[name])
OPERATOR_B = tuple(ip for name in ("b1", "b2") for ip in ADDRESSES[name])
NAMES_A = tuple(f"ns{n}.operator-a.test." for n in (1, 2, 3, 4))
NAMES_B = tuple(f"ns{n}.operator-b.test." for n in (1, 2))
WEB = ADDRESSES["web"][0]
CUSTOMER_NAMES = (
    "clerk.acme.test", "accounts.acme.test", "clk._domainkey.acme.test", "clk2._domainkey.acme.test",
    "clkmail.acme.test",
)  # fmt: skip

_DKIM = (
    '"v=DKIM1; k=rsa; p='
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAobmertoVkHVaFD6OizBb+xQKc/yBoVvJVSPl+9PzKnFzDFgihXWydN"
    'n6JwmJpLnMmBtcVemstMozL/FmP/jgF/hMy83fSMTuClVbknH8oOHEm32OJsQYJX4VWWfRjt4GI8+Vo/rrC043xnhLTIJ9Dcqc" "'
    "2ISL+7yXvRef+mzgX8mYmT4g6tjQv46lMYTUP8FLn5AqNmz0KmGAf242Et5amk5XmSUccXuuMN16KRZ9C7YS3up8PJQxVF4EJY"
    'XinVyZBnFrrkyujuxw/UIRuNa1iKIFIDMso9eeQB3KtEQ+Qbj3xxvad8Ao+NsVpihv9soKigmpABudm+72GArAQ6trewIDAQAB"'
)


def idp_zone(
    names: Collection[str] = NAMES_A,
    *,
    serial: int = 1,
    ttl: int = 5,
    mail: bool = True,
    more: str = "",
    web: str = WEB,
) -> str:
    """The vendor's zone as one operator serves it: `names` are its NS set."""
    lines = [
        soa(next(iter(names)), serial, ttl, negative_ttl=ttl),
        *(f"@ {ttl} NS {name}" for name in names),
        f"@ {ttl} A {web}",
        f"frontend-api {ttl} A {web}",
        f"accounts {ttl} A {web}",
        f"worker {ttl} A {web}",
        f'@ {ttl} CAA 0 issue "ca.example"',
    ]
    if mail:
        lines += [
            f"@ {ttl} MX 10 mail1.acme",
            f'@ {ttl} TXT "v=spf1 ip4:{web} -all"',
            f'_dmarc {ttl} TXT "v=DMARC1; p=reject"',
            f"mail1.acme {ttl} A {web}",
            f"mail1.acme {ttl} MX 10 mail1.acme",
            f'mail1.acme {ttl} TXT "v=spf1 ip4:{web} -all"',
            *(f"dkim{n}.acme {ttl} TXT {_DKIM}" for n in (1, 2)),
            *(f"sel{n}._domainkey {ttl} CNAME dkim{n}.acme" for n in (1, 2)),
        ]
    return "\n".join([*lines, more])


def parent_zone(names: Collection[str] = NAMES_A, *, serial: int = 1, ttl: int = 5, ds: Sequence[str] = ()) -> str:
    """The zone example, with the delegation of idp.example to these names."""
    return "\n".join(
        [
            soa("p1.nic", serial, ttl, negative_ttl=ttl),
            *(f"@ NS {each}.nic" for each in ("p1", "p2")),
            *_host("p1.nic", "p1"),
            *_host("p2.nic", "p2"),
            *(f"idp {ttl} NS {name}" for name in names),
            *(f"idp {ttl} DS {each}" for each in ds),
        ]
    )


def customer_zone(target: str = "", *, serial: int = 1, ttl: int = 5) -> str:
    """The zone acme.test; `target` is where its two sign-in names lead to instead, a workaround say."""
    names = {
        "clerk": target or "frontend-api.idp.example.", "accounts": target or "accounts.idp.example.",
        "clk._domainkey": "dkim1.acme.idp.example.", "clk2._domainkey": "dkim2.acme.idp.example.",
        "clkmail": "mail1.acme.idp.example.",
    }  # fmt: skip
    lines = [soa("ns1.nic.test.", serial, ttl, negative_ttl=ttl), "@ NS ns1.nic.test.", f"site {ttl} A {WEB}"]
    return "\n".join([*lines, *(f"{name} {ttl} CNAME {to}" for name, to in names.items())])


def _host(name: str, server: str) -> list[str]:
    return [f"{name} {'AAAA' if ':' in ip else 'A'} {ip}" for ip in ADDRESSES[server]]


def _operator_zone(letter: str, count: int) -> str:
    numbers = range(1, count + 1)
    hosts = [line for n in numbers for line in _host(f"ns{n}", f"{letter}{n}")]
    return "\n".join([soa("ns1", 1), *(f"@ NS ns{n}" for n in numbers), *hosts])


def _test_zone() -> str:
    lines = [soa("ns1.nic", 1), "@ NS ns1.nic", *_host("ns1.nic", "other")]
    for letter, count in (("a", 4), ("b", 2)):
        for n in range(1, count + 1):
            lines += [
                f"operator-{letter} NS ns{n}.operator-{letter}",
                *_host(f"ns{n}.operator-{letter}", f"{letter}{n}"),
            ]
    return "\n".join([*lines, "acme NS ns1.nic", "control NS ns1.nic"])


_ROOT_ZONE = "\n".join(
    [
        soa("a.root.", 1),
        "@ NS a.root.",
        *_host("a.root.", "root"),
        "example. NS p1.nic.example.",
        "example. NS p2.nic.example.",
        *_host("p1.nic.example.", "p1"),
        *_host("p2.nic.example.", "p2"),
        "test. NS ns1.nic.test.",
        *_host("ns1.nic.test.", "other"),
    ]
)
_CONTROL_ZONE = f"{soa('ns1.nic.test.', 1)}\n@ NS ns1.nic.test.\n@ A {WEB}\nwww A {WEB}"


_GIVES_UP_SOON = """
  do-ip6: no
  outbound-msg-retry: 1
  infra-cache-min-rtt: 20
  infra-cache-max-rtt: 120
"""
"""Unbound: SERVFAIL after 1.5 s where a zone's four servers are dark. With its own settings, or with all eight
addresses to try, that takes over half a minute."""


class Internet:
    """The world, running. `servers` by their names."""

    def __init__(self, net: Namespace, servers: Mapping[str, Daemon], serials: dict[tuple[str, str], int]) -> None:
        self.net, self.servers, self._serials = net, servers, serials

    async def serve(self, server: str, zone: str, lines: Callable[[int], str]) -> None:
        """Another content at one server: `lines` is given the next serial there."""
        serial = self._serials.get((server, zone), 1) + 1
        self._serials[server, zone] = serial
        await serve(self.servers[server], zone, lines(serial), serial)

    async def delegate(self, names: Collection[str], *at: str, ttl: int = 5, ds: Sequence[str] = ()) -> None:
        """Delegates idp.example to these names, at both parent servers or those said."""
        for server in at or ("p1", "p2"):
            await self.serve(server, "example", lambda serial: parent_zone(names, serial=serial, ttl=ttl, ds=ds))

    def instead(self, server: str, zones: Mapping[str, str]) -> AbstractAsyncContextManager[Daemon]:
        """Another name server at the addresses of one that was left out or killed: NSD with these zones."""
        ip, *also = ADDRESSES[server]
        return nsd(zones, nsid=f"instead-of-{server}", ip=ip, also=also, port=53)


def address(server: str, family: int = 4) -> Address:
    """Where it answers."""
    return Address.of(next(ip for ip in ADDRESSES[server] if (":" in ip) == (family == 6)), 53)


@asynccontextmanager
async def internet(
    net: Namespace, *, ttl: int = 5, without: Collection[str] = (), anchors: Sequence[str] = (), idp: str | None = None
) -> AsyncIterator[Internet]:
    """Runs it until the end of the block. `ttl`: of everything in idp.example and acme.test, and of the delegation.

    `without`: servers that are left out, their addresses are there. `anchors` are Unbound's, and make it validate.
    `idp`: what operator A serves instead of `idp_zone()`. Skips the test where a server is missing.
    """
    net.add(*(ip for ips in ADDRESSES.values() for ip in ips))
    zone_a = idp or idp_zone(ttl=ttl)
    at_a = {ZONE: zone_a, "operator-a.test": _operator_zone("a", 4)}
    at_b = {ZONE: idp_zone(NAMES_B, ttl=ttl, mail=False), "operator-b.test": _operator_zone("b", 2)}
    at_parent = {"example": parent_zone(ttl=ttl)}
    at_other = {"test": _test_zone(), "acme.test": customer_zone(ttl=ttl), "control.test": _CONTROL_ZONE}
    root = {".": address("root")}
    parts: dict[str, Callable[..., AbstractAsyncContextManager[Daemon]]] = {
        "root": partial(nsd, {".": _ROOT_ZONE}, nsid="root"),
        "p1": partial(nsd, at_parent, nsid="p1.nic"),
        "p2": partial(knot, at_parent, nsid="p2.nic"),
        **{f"a{n}": partial(nsd if n % 2 else knot, at_a, nsid=f"fra{n}.operator-a") for n in (1, 2, 3, 4)},
        **{f"b{n}": partial(bind_authority, at_b, nsid=f"lon{n}.operator-b") for n in (1, 2)},
        "other": partial(nsd, at_other, nsid="other"),
        "plain": partial(unbound, root, nsid="plain", more=_GIVES_UP_SOON, anchors=anchors),
        "stale": partial(unbound, root, nsid="stale", more=_GIVES_UP_SOON + SERVE_EXPIRED, anchors=anchors),
        "bind": partial(bind_resolver, root, nsid="bind"),
    }
    servers: dict[str, Daemon] = {}
    async with trio.open_nursery() as nursery:

        async def start(name: str) -> None:
            ip, *also = ADDRESSES[name]
            servers[name] = await nursery.start(_keep, parts[name](ip=ip, also=also, port=53))

        async with trio.open_nursery() as starting:
            for name in parts.keys() - set(without):
                starting.start_soon(start, name)
        yield Internet(net, servers, {})
        nursery.cancel_scope.cancel()


async def _keep(part: AbstractAsyncContextManager[Any], task_status: trio.TaskStatus[Any]) -> None:
    async with part as started:
        task_status.started(started)
        await trio.sleep_forever()
