"""What the tls check sees beside the certificate: staples, missing issuers, protocols, CAA, and addresses that differ;
against nginx and what `openssl ocsp` says of openssl's own CA."""

import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.specs import TlsSpec
from parallax.plan.types import Check
from parallax.values import Address
from probe.dns.memory import Memory
from probe.runs import Vantage, run_target
from probe.tools import Tools
from tests.fakes.dns_server import DnsServer, Query, answer, dns_server
from tests.parts.certificates import DAY, Authority, Leaf
from tests.parts.daemon import find_program
from tests.parts.haproxy import Front, haproxy
from tests.parts.nginx import Nginx, Site, nginx
from tests.probe.attempts import Outcome, check

pytestmark = pytest.mark.slow

NAME = "good.test"
BETWEEN_URL = "http://ca.test/between.crt"
AIA = x509.AuthorityInformationAccess(
    [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(BETWEEN_URL))]
)
MUST_STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])


class World:
    def __init__(self, server: Nginx, ca: str) -> None:
        self.server, self.ca = server, ca

    async def check(self, site: str, **spec: Any) -> Outcome:
        address = self.server.addresses[site]
        return await check("tls", f"{NAME}:{address.port}", address, ca=self.ca, **spec)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def world(authority: Authority, tmp_path: Path) -> AsyncIterator[World]:
    now = datetime.now(UTC)
    between, other = authority.below("An intermediate"), Authority("Somebody else")
    leaf, deep = authority.leaf(NAME), between.leaf(NAME)
    strict = authority.leaf(NAME, extensions=[MUST_STAPLE])
    late = authority.leaf(NAME, until=now - DAY)
    elsewhere = other.leaf(NAME)
    whole = Leaf(elsewhere.chain + other.pem, elsewhere.key, elsewhere.certificate)
    only_1_3 = "ssl_protocols TLSv1.3; return 200;"
    sites = {
        "plain": Site(certificate=leaf),
        "staple": Site(certificate=leaf, staple=authority.staple(leaf)),
        "staple-1.3": Site(certificate=leaf, staple=authority.staple(leaf), inside=only_1_3),
        "staple-of-intermediate": Site(certificate=deep, staple=between.staple(deep)),
        "revoked": Site(certificate=leaf, staple=authority.staple(leaf, revoked=True)),
        "revoked-1.3": Site(certificate=leaf, staple=authority.staple(leaf, revoked=True), inside=only_1_3),
        "revoked-late": Site(certificate=late, staple=authority.staple(late, revoked=True)),
        "lie": Site(certificate=leaf, staple=authority.staple(leaf, revoked=True, signed_by=other)),
        "stale": Site(certificate=leaf, staple=authority.staple(leaf, since=now - 9 * DAY)),
        "must-staple": Site(certificate=strict),
        "must-staple-kept": Site(certificate=strict, staple=authority.staple(strict)),
        "no-intermediate": Site(certificate=between.leaf(NAME, with_chain=False, extensions=[AIA])),
        "private": Site(certificate=other.leaf(NAME)),
        "root-sent": Site(certificate=whole),
        "for-clients": Site(certificate=authority.leaf(NAME, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)),
        "expired-intermediate": Site(certificate=authority.below("Too old", until=now - DAY).leaf(NAME)),
    }
    async with nginx(sites) as server:
        yield World(server, authority.write(tmp_path))


@pytest.mark.parametrize(
    ("site", "reason", "staple"),
    [
        ("plain", None, {}),
        ("staple", None, {"status": "good"}),
        ("staple-1.3", None, {"status": "good"}),
        ("staple-of-intermediate", None, {"status": "good"}),
        ("must-staple-kept", None, {"status": "good"}),
        ("revoked", "tls_revoked", {"status": "revoked", "revocation_reason": "keyCompromise"}),
        ("revoked-1.3", "tls_revoked", {"status": "revoked"}),
        ("revoked-late", "tls_revoked", {"status": "revoked"}),
        ("lie", "tls_staple_invalid", {"status": "invalid", "why": "signature", "says": "revoked"}),
        ("stale", "tls_staple_invalid", {"status": "invalid", "why": "expired", "says": "good"}),
        ("must-staple", "tls_staple_missing", {"status": "missing"}),
    ],
)
async def test_staples(world: World, site: str, reason: str | None, staple: dict[str, str]) -> None:
    got = await world.check(site)
    assert got.reason == reason
    found = got.findings.get("staple", {})
    assert {key: found.get(key) for key in staple} == staple
    if site == "revoked-late":
        assert got.findings["problems"] == ["revoked", "expired"]


@pytest.mark.parametrize(
    ("site", "reason", "why", "missing", "urls"),
    [
        ("no-intermediate", "tls_chain_incomplete", "chain_incomplete", "CN=An intermediate", [BETWEEN_URL]),
        ("private", "tls_untrusted", "issuer_unknown", "CN=Somebody else", None),
        ("root-sent", "tls_untrusted", "root_untrusted", "CN=Somebody else", None),
        ("for-clients", "tls_untrusted", "not_for_servers", None, None),
    ],
)
async def test_whose_certificate_is_missing(
    world: World, site: str, reason: str, why: str, missing: str | None, urls: list[str] | None
) -> None:
    got = await world.check(site)
    assert got.reason == reason
    untrusted = got.findings["untrusted"]
    assert (untrusted["why"], untrusted.get("missing_issuer"), untrusted.get("issuer_urls")) == (why, missing, urls)
    assert got.findings["version"]  # the handshake went on
    http = await check(
        "http", f"https://{NAME}:{world.server.addresses[site].port}/", world.server.addresses[site], ca=world.ca
    )
    assert (http.reason, http.findings["untrusted"]["why"]) == (reason, why)


async def test_an_expired_intermediate_is_named(world: World) -> None:
    got = await world.check("expired-intermediate")
    assert (got.reason, got.findings["problems"]) == ("tls_expired", ["expired"])
    verify = {"code": 10, "message": "certificate has expired", "depth": 1, "certificate": "CN=Too old"}
    assert got.findings["verify"] == verify
    assert got.findings["days_left"] > 80


async def test_what_was_agreed_on(world: World) -> None:
    got = await world.check("staple-1.3")
    assert got.findings["version"] == "TLSv1.3"
    assert got.findings["group"] in ("x25519", "X25519MLKEM768")
    assert got.findings["issued_by"] == "Parallax test CA"
    assert [phase.name for phase in got.evidence.phases] == ["connect", "hello", "tls"]
    spans = {phase.name: phase for phase in got.evidence.phases}
    assert spans["tls"].start_ns >= spans["hello"].start_ns + spans["hello"].duration_ns


async def test_the_protocol_that_the_plan_asks_for(world: World) -> None:
    assert (await world.check("plain", alpn=["http/1.1"])).reason is None
    got = await world.check("plain", alpn=["acme-tls/1"])
    assert got.reason == "tls_wrong_protocol"  # by version of nginx, with the alert no_application_protocol or without
    got = await world.check("plain", alpn=["h2", "http/1.1"])
    assert (got.reason, got.findings["alpn"]) == (None, "http/1.1")


async def test_haproxy(authority: Authority, tmp_path: Path) -> None:
    leaf, ca = authority.leaf(NAME), authority.write(tmp_path)
    fronts = {
        "both": Front(certificate=leaf, staple=authority.staple(leaf), issuer=authority),
        "old": Front(certificate=leaf, alpn=("http/1.1",), bind="ssl-max-ver TLSv1.2"),
        "dark": Front(certificate=leaf),
    }
    async with haproxy(fronts) as server:

        async def at(front: str, **spec: Any) -> Outcome:
            address = server.addresses[front]
            return await check("tls", f"{NAME}:{address.port}", address, ca=ca, **spec)

        good = await at("both", alpn=["h2"], min_version="1.3")
        assert (good.reason, good.findings["alpn"], good.findings["staple"]["status"]) == (None, "h2", "good")
        other = await at("old", alpn=["h2"])
        assert other.reason == "tls_wrong_protocol"
        assert other.findings["assertion"] == {"of": "alpn", "expected": ["h2"], "found": None}
        assert (await at("old", min_version="1.3")).reason == "tls_old_version"
        server.pause()
        dark = await at("dark", timeout_s=0.5)
        assert (dark.reason, dark.evidence.phase) == ("tls_timeout", "hello")
        server.resume()


# ---- openssl's own CA -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("revoked", "reason"), [(False, None), (True, "tls_revoked")])
async def test_what_openssls_responder_says(
    authority: Authority, tmp_path: Path, revoked: bool, reason: str | None
) -> None:
    """A response of `openssl ocsp`, signed by a responder that the CA named, comes through nginx and is believed."""
    leaf = authority.leaf(NAME)
    responder = authority.leaf("ocsp.test", purpose=ExtendedKeyUsageOID.OCSP_SIGNING)
    certificate, _ = leaf.write(tmp_path, "leaf")
    signer, key = responder.write(tmp_path, "responder")
    ca = authority.write(tmp_path)
    serial = f"{leaf.certificate.serial_number:X}"
    serial = serial if len(serial) % 2 == 0 else "0" + serial
    state = "R\t301231000000Z\t251101000000Z,superseded" if revoked else "V\t301231000000Z\t"
    (tmp_path / "index.txt").write_text(f"{state}\t{serial}\tunknown\t/CN={NAME}\n")
    command = [
        find_program("openssl", "openssl"), "ocsp", "-index", str(tmp_path / "index.txt"), "-CA", ca,
        "-rsigner", str(signer), "-rkey", str(key), "-issuer", ca, "-cert", str(certificate), "-no_nonce",
        "-ndays", "3", "-respout", str(tmp_path / "staple"), "-noverify",
    ]  # fmt: skip
    done = await trio.run_process(command, capture_stdout=True, stderr=subprocess.STDOUT, check=False)
    assert (tmp_path / "staple").exists(), done.stdout.decode()
    async with nginx({"it": Site(certificate=leaf, staple=(tmp_path / "staple").read_bytes())}) as server:
        address = server.addresses["it"]
        got = await check("tls", f"{NAME}:{address.port}", address, ca=ca)
    assert got.reason == reason
    assert got.findings["staple"]["status"] == ("revoked" if revoked else "good")


# ---- CAA ------------------------------------------------------------------------------------------------------------


def tools_for(server: Nginx, ca: str, resolvers: tuple[Address, ...], memory: Memory | None = None) -> Tools:
    return Tools(routes=Routes.of(allow=EVERYWHERE), trust=Trust(ca), resolvers=resolvers, memory=memory or Memory())


async def run_at(tools: Tools, target: str, **spec: Any) -> list[Observation]:
    whole = msgspec.convert(spec, TlsSpec, dec_hook=lambda kind, raw: kind(raw))
    one = Check(name="c", kind="tls", spec=whole, targets=[target], external=False, probes=[], period=30.0, timeout=5.0)
    return await run_target(one, target, Vantage(probe="p", families=(4, 6)), tools, scheduled_at=0)


def caa_at(*records: str) -> Any:
    """A resolver that knows the name's address, and these CAA records: "owner data"."""

    async def behave(query: Query) -> None:
        question = query.message.question[0]
        owner, kind = question.name.to_text(), question.rdtype.name
        if kind == "A":
            await query.send(answer(query.message, f"{owner} 60 IN A 127.0.0.1"))
            return
        held = [record.split(" ", 1) for record in records]
        found = [f"{owner} 60 IN CAA {data}" for at, data in held if at == owner and kind == "CAA"]
        await query.send(answer(query.message, *found))

    return behave


def asked_for_caa(server: DnsServer) -> list[str]:
    return [m.question[0].name.to_text() for _, m in server.asked if m.question[0].rdtype.name == "CAA"]


@pytest.mark.parametrize(
    ("records", "spec", "reason", "allows"),
    [
        ([], {}, None, True),
        (['test. 0 issue "ca.test"'], {"caa": ["ca.test"]}, None, True),
        (['test. 0 issue "ca.test"'], {"caa": ["other.test"]}, "tls_caa_forbids", False),
        (['good.test. 0 issue ";"', 'test. 0 issue "ca.test"'], {"caa": ["ca.test"]}, "tls_caa_forbids", False),
        (['good.test. 0 issue "ca.test"', 'test. 0 issue ";"'], {"caa": ["ca.test"]}, None, True),
        (['test. 0 issue "letsencrypt.org"'], {}, None, None),
    ],
)
async def test_caa_against_the_issuer(
    world: World, records: list[str], spec: dict[str, Any], reason: str | None, allows: bool | None
) -> None:
    async with dns_server(caa_at(*records)) as resolver:
        tools = tools_for(world.server, world.ca, (resolver.address,))
        target = f"{NAME}:{world.server.addresses['plain'].port}"
        (seen,) = await run_at(tools, target, **spec)
        assert seen.reason == reason
        assert seen.findings["caa"]["allows"] is allows
        again = await run_at(tools, target, **spec)
        assert again[0].findings["caa"] == seen.findings["caa"]
        asked = asked_for_caa(resolver)
        assert len(asked) == len(set(asked)) <= 2  # once, for an hour


async def test_caa_is_not_asked_for_where_the_plan_says_so(world: World) -> None:
    async with dns_server(caa_at()) as resolver:
        tools = tools_for(world.server, world.ca, (resolver.address,))
        (seen,) = await run_at(tools, f"{NAME}:{world.server.addresses['plain'].port}", caa=[])
        assert "caa" not in seen.findings
        assert asked_for_caa(resolver) == []


async def test_a_silent_resolver_fails_no_certificate_and_stands_in_no_phase(world: World) -> None:
    async def silent(query: Query) -> None:
        if query.message.question[0].rdtype.name != "CAA":
            await caa_at()(query)

    async with dns_server(silent) as resolver:
        tools = tools_for(world.server, world.ca, (resolver.address,))
        (seen,) = await run_at(tools, f"{NAME}:{world.server.addresses['plain'].port}")
        assert seen.reason is None
        assert seen.findings["caa"] == {"allows": None, "issuer": None, "failure": "timeout"}
        assert seen.duration_ns < 1_000_000_000
        assert seen.phases[-1].name == "tls"
        before = len(asked_for_caa(resolver))
        await run_at(tools, f"{NAME}:{world.server.addresses['plain'].port}")
        assert len(asked_for_caa(resolver)) == before  # not again for five minutes


# ---- addresses that differ ------------------------------------------------------------------------------------------


async def test_an_address_that_the_renewal_passed_by(authority: Authority, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    new, old = authority.leaf(NAME), authority.leaf(NAME, since=now - 80 * DAY, until=now + 10 * DAY)
    async with dns_server(_two_addresses) as resolver, nginx({"new": Site(certificate=new)}) as first:
        port = first.addresses["new"].port
        async with nginx({"old": Site(certificate=old, ip="127.0.0.2", port=port)}) as second:
            tools = tools_for(second, authority.write(tmp_path), (resolver.address,))
            seen = {each.subject: each for each in await run_at(tools, f"{NAME}:{port}")}
    good, late = seen[f"127.0.0.1:{port}"], seen[f"127.0.0.2:{port}"]
    assert good.reason is None
    assert late.reason == "tls_certificates_differ"
    assert late.findings["differs"] == ["older"]
    assert [each["addresses"] for each in late.findings["certificates"]] == [[good.subject], [late.subject]]


async def test_another_key_of_the_same_ca_is_normal(authority: Authority, tmp_path: Path) -> None:
    async with dns_server(_two_addresses) as resolver, nginx({"one": Site(certificate=authority.leaf(NAME))}) as first:
        port = first.addresses["one"].port
        other = Site(certificate=authority.leaf(NAME, rsa_bits=2048), ip="127.0.0.2", port=port)
        async with nginx({"other": other}) as second:
            tools = tools_for(second, authority.write(tmp_path), (resolver.address,))
            seen = await run_at(tools, f"{NAME}:{port}")
    assert [each.reason for each in seen] == [None, None]


async def _two_addresses(query: Query) -> None:
    question = query.message.question[0]
    owner = question.name.to_text()
    found = [f"{owner} 60 IN A 127.0.0.1", f"{owner} 60 IN A 127.0.0.2"] if question.rdtype.name == "A" else []
    await query.send(answer(query.message, *found))
