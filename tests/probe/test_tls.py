"""The tls check against a real nginx with certificates of every kind, and against peers that misbehave."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from parallax.values import Address
from tests.parts.certificates import DAY, Authority
from tests.parts.nginx import Nginx, Site, nginx
from tests.probe.attempts import Outcome, check

pytestmark = pytest.mark.slow

OLD = "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0; return 200;"


class World:
    """nginx with its sites, and the CA that the good ones have."""

    def __init__(self, server: Nginx, ca: str) -> None:
        self.server, self.ca = server, ca

    async def check(self, site: str, host: str = "good.test", **spec: object) -> Outcome:
        address = self.server.addresses[site]
        return await check("tls", f"{host}:{address.port}", address, ca=self.ca, **spec)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def world(authority: Authority, tmp_path: Path) -> AsyncIterator[World]:
    now = datetime.now(UTC)
    other = Authority("Somebody else")
    middle = authority.below("Parallax test intermediate")
    sites = {
        "good": Site(certificate=authority.leaf("good.test", "*.wild.test", "127.0.0.1")),
        "v6": Site(certificate=authority.leaf("good.test", "::1"), ip="::1"),
        "expired": Site(certificate=authority.leaf("good.test", until=now - 3 * DAY)),
        "early": Site(certificate=authority.leaf("good.test", since=now + 2 * DAY)),
        "wrong-name": Site(certificate=authority.leaf("other.test")),
        "untrusted": Site(certificate=other.leaf("good.test")),
        "all-wrong": Site(certificate=other.leaf("other.test", until=now - 3 * DAY)),
        "expired-untrusted": Site(certificate=other.leaf("good.test", until=now - 3 * DAY)),
        "chain": Site(certificate=middle.leaf("good.test")),
        "no-chain": Site(certificate=middle.leaf("good.test", with_chain=False)),
        "old": Site(certificate=authority.leaf("good.test"), inside=OLD),
        "only-1.2": Site(certificate=authority.leaf("good.test"), inside="ssl_protocols TLSv1.2; return 200;"),
        "1.3": Site(certificate=authority.leaf("good.test"), inside="ssl_protocols TLSv1.3; return 200;"),
        "1.3-expired": Site(
            certificate=authority.leaf("good.test", until=now - 3 * DAY), inside="ssl_protocols TLSv1.3; return 200;"
        ),
        "weak": Site(
            certificate=authority.leaf("good.test", rsa_bits=1024),
            inside="ssl_ciphers DEFAULT@SECLEVEL=0; return 200;",
        ),
        "client-cert": Site(
            certificate=authority.leaf("good.test"),
            inside='ssl_client_certificate "{folder}/good.crt"; ssl_verify_client on; return 200;',
        ),
    }
    async with nginx(sites) as server:
        yield World(server, authority.write(tmp_path))


async def test_good(world: World) -> None:
    got = await world.check("good")
    assert got.verdict is None
    assert got.phases == ["connect", "hello", "tls"]
    assert got.findings["version"] == "TLSv1.2"  # nginx 1.22 unless told otherwise
    assert got.findings["alpn"] == "http/1.1"
    assert 89.9 < got.findings["days_left"] < 90.1
    (leaf,) = got.findings["chain"]
    assert leaf["subject"] == "CN=good.test"
    assert leaf["issuer"] == "CN=Parallax test CA"
    assert leaf["names"] == ["good.test", "*.wild.test", "127.0.0.1"]
    assert leaf["key"] == "EC secp256r1"
    assert "problems" not in got.findings


@pytest.mark.parametrize(
    ("site", "host", "reason", "problems"),
    [
        ("good", "a.wild.test", None, None),
        ("good", "127.0.0.1", None, None),
        ("v6", "[::1]", None, None),
        ("v6", "good.test", None, None),
        ("chain", "good.test", None, None),
        ("good", "a.b.wild.test", "tls_wrong_name", ["wrong_name"]),
        ("good", "127.0.0.2", "tls_wrong_name", ["wrong_name"]),
        ("expired", "good.test", "tls_expired", ["expired"]),
        ("1.3-expired", "good.test", "tls_expired", ["expired"]),
        ("early", "good.test", "tls_not_yet_valid", ["not_yet_valid"]),
        ("wrong-name", "good.test", "tls_wrong_name", ["wrong_name"]),
        ("untrusted", "good.test", "tls_untrusted", ["untrusted"]),
        ("no-chain", "good.test", "tls_untrusted", ["untrusted"]),
        ("all-wrong", "good.test", "tls_wrong_name", ["wrong_name", "untrusted", "expired"]),
        ("expired-untrusted", "good.test", "tls_untrusted", ["untrusted", "expired"]),
        ("expired", "other.test", "tls_wrong_name", ["wrong_name", "expired"]),
        ("weak", "good.test", "tls_weak", ["weak"]),
    ],
)
async def test_certificates(world: World, site: str, host: str, reason: str | None, problems: list[str] | None) -> None:
    got = await world.check(site, host)
    assert got.reason == reason
    assert got.findings.get("problems") == problems
    assert got.findings["chain"][0]["subject"].startswith("CN=")  # also of a certificate that was refused
    if reason:
        assert got.findings["verify"]["code"] > 0
        assert got.fault == "target"
        assert [p.name for p in got.evidence.phases] == ["connect", "hello", "tls"]


async def test_the_chain_is_there_in_order(world: World) -> None:
    got = await world.check("chain")
    assert [c["subject"] for c in got.findings["chain"]] == ["CN=good.test", "CN=Parallax test intermediate"]


async def test_days_left_falls_below_zero(world: World) -> None:
    got = await world.check("expired")
    assert -3.1 < got.findings["days_left"] < -2.9


async def test_server_name_wins_over_the_targets_host(world: World) -> None:
    assert (await world.check("good", "other.test", server_name="good.test")).reason is None
    assert (await world.check("good", "good.test", server_name="other.test")).reason == "tls_wrong_name"


async def test_old_versions(world: World) -> None:
    got = await world.check("old")
    assert got.reason == "tls_old_version"
    got = await world.check("only-1.2", min_version="1.3")
    assert got.reason == "tls_old_version"
    assert got.findings["version"] == "TLSv1.2"
    assert got.findings["assertion"] == {"of": "version", "expected": "TLSv1.3", "found": "TLSv1.2"}
    assert got.findings["chain"]
    assert (await world.check("only-1.2")).reason is None
    assert (await world.check("1.3", min_version="1.3")).reason is None


async def test_a_killed_server_refuses(world: World) -> None:
    world.server.kill()
    got = await world.check("good")
    assert got.reason == "connect_refused"
    assert got.phases == ["connect"]


async def test_the_right_server_is_dialled_whatever_the_name_says(world: World) -> None:
    address = world.server.addresses["good"]
    got = await check("tls", "good.test:443", address, ca=world.ca)
    assert got.verdict is None
    assert isinstance(address, Address)


async def test_cancelled_at_any_moment_it_closes_its_sockets(world: World) -> None:
    before = _descriptors()
    for checkpoints in range(12):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_after, checkpoints, scope)
                await world.check("good")
    assert _descriptors() == before


async def _cancel_after(checkpoints: int, scope: trio.CancelScope) -> None:
    for _ in range(checkpoints):
        await trio.lowlevel.checkpoint()
    scope.cancel()


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
