"""DNS over TLS and over HTTPS against real resolvers, and against what goes wrong with certificates."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.values import Address, Redirect
from probe.dns.client import Asked, Client, Server, ask
from probe.dns.memory import Memory
from probe.dns.message import Query, Record
from tests.parts.bind import bind_resolver
from tests.parts.certificates import Authority
from tests.parts.daemon import Daemon
from tests.parts.nsd import nsd
from tests.parts.unbound import unbound

pytestmark = pytest.mark.slow

QUERY = Query(name="www.acme.test", type="A", recurse=True)
WWW = (Record("www.acme.test", "A", 300, "192.0.2.1"),)
NAMED = Address("192.0.2.53:853")


@asynccontextmanager
async def resolver(program: str, names: Sequence[str], **leaf: object) -> AsyncIterator[tuple[Daemon, Authority]]:
    authority = Authority()
    start = {"unbound": unbound, "bind": bind_resolver}[program]
    certificate = authority.leaf(*names, **leaf)  # type: ignore[arg-type]
    async with (
        nsd({"acme.test": "www A 192.0.2.1"}) as zone,
        start({"acme.test": zone.address}, certificate=certificate) as daemon,  # type: ignore[operator]
    ):
        yield daemon, authority


async def query(
    daemon: Daemon, authority: Authority, transport: str, tmp_path: Path, name: str = "dns.test", trusted: bool = True
) -> Asked:
    """Over a redirect, as a plan has it: the documentation address leads to the resolver."""
    to = daemon.also[transport]
    client = Client(
        routes=Routes.of([(Redirect(NAMED), to)], EVERYWHERE),
        memory=Memory(),
        # Another file for each authority: what a trusted file holds is read once.
        trust=Trust(authority.write(tmp_path, f"{id(authority)}.pem")) if trusted else Trust(),
    )
    return await ask(QUERY, Server(address=NAMED, name=name, transport=transport), client, 5.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("program", "transport"), [("unbound", "dot"), ("bind", "dot"), ("bind", "doh")])
async def test_a_real_resolver_answers_and_the_phases_are_apart(program: str, transport: str, tmp_path: Path) -> None:
    async with resolver(program, ["dns.test"]) as (daemon, authority):
        asked = await query(daemon, authority, transport, tmp_path)
    assert (asked.outcome, asked.detail) == ("ok", "")
    assert asked.reply is not None
    assert asked.reply.answers == WWW
    assert [phase.name for phase in asked.phases] == ["connect", "handshake", "query"]
    assert all(phase.duration_ns > 0 for phase in asked.phases)
    assert sum(phase.duration_ns for phase in asked.phases) <= asked.duration_ns
    assert asked.rtt_ns is None


@pytest.mark.parametrize("transport", ["dot", "doh"])
async def test_the_address_is_verified_where_there_is_no_name(transport: str, tmp_path: Path) -> None:
    async with resolver("bind", ["192.0.2.53"]) as (daemon, authority):
        assert (await query(daemon, authority, transport, tmp_path, name="")).outcome == "ok"
        assert (await query(daemon, authority, transport, tmp_path)).outcome == "tls_wrong_name"


@pytest.mark.parametrize("transport", ["dot", "doh"])
async def test_certificates_that_are_refused(transport: str, tmp_path: Path) -> None:
    async with resolver("bind", ["dns.test"]) as (daemon, authority):
        other = await query(daemon, authority, transport, tmp_path, name="other.test")
        untrusted = await query(daemon, authority, transport, tmp_path, trusted=False)
    async with resolver("bind", ["dns.test"], until=datetime.now(UTC) - timedelta(days=1)) as (daemon, authority):
        expired = await query(daemon, authority, transport, tmp_path)
    assert [each.outcome for each in (other, untrusted, expired)] == ["tls_wrong_name", "tls_untrusted", "tls_expired"]
    assert [phase.name for phase in other.phases] == ["connect", "handshake"]
    assert other.detail
