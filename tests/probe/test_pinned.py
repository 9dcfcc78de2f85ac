"""Checks that go to one member of a failover group: two regions behind one name, and the DNS that knows one of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from parallax.clock import wall_ns
from parallax.config import BoundSecret
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check
from parallax.state import write_private
from parallax.values import Address, Cidr, Duration, Redirect, decode_value
from probe.hidden import Hidden
from probe.pin import pin_of
from probe.runs import Vantage, run_target
from probe.signin.memory import Signins
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.dns_server import DnsServer, Query, answer, dns_server
from tests.parts.certificates import Authority
from tests.parts.nginx import Nginx, Site, nginx
from tests.parts.oidc_provider import oidc_provider

EAST, WEST, WRONG = Address("192.0.2.10:443"), Address("192.0.2.20:443"), Address("192.0.2.30:443")
ELSEWHERE = Address("192.0.2.40:443")
HOST = "api.auth.test"


def check_of(kind: str, target: str, pinned: Address | None = None, timeout_s: float = 10.0, **spec: Any) -> Check:
    return Check(
        name="api" if pinned is None else "api @ west",
        kind=kind,
        targets=[target],
        period=Duration(600),
        timeout=Duration(timeout_s),
        external=False,
        probes=[],
        spec=msgspec.convert(spec, SPECS[kind].spec, dec_hook=decode_value),
        member="" if pinned is None else "front/west",
        pinned=pinned,
    )


async def run(check: Check, tools: Tools, families: tuple[Any, ...] = (4,)) -> list[Observation]:
    tools = msgspec.structs.replace(tools, hidden=Hidden())
    with trio.fail_after(60):
        return await run_target(
            check, check.targets[0], Vantage(probe="one", families=families), tools, scheduled_at=wall_ns()
        )


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority()


@pytest.fixture
async def resolver() -> AsyncIterator[DnsServer]:
    """Knows the east alone, and the host that a redirect leads to."""
    addresses = {f"{HOST}.": EAST.ip, "sso.example.": EAST.ip, "other.auth.test.": ELSEWHERE.ip}

    async def behave(query: Query) -> None:
        [question] = query.message.question
        name = question.name.to_text()
        records = [f"{name} 60 IN A {addresses[name]}"] if question.rdtype == 1 and name in addresses else []
        await query.send(answer(query.message, *records))

    async with dns_server(behave) as server:
        yield server


def asked_for(server: DnsServer) -> set[str]:
    return {message.question[0].name.to_text() for _, message in server.asked}


def region(name: str, ca: Authority, *names: str) -> Site:
    inside = f"""
    add_header x-region {name} always;
    location / {{ return 200 "{name}\\n"; }}
    location /moved {{ return 302 https://{HOST}/there; }}
    location /away {{ return 302 https://other.auth.test/there; }}
    """
    return Site(certificate=ca.leaf(*(names or (HOST, "other.auth.test"))), inside=inside)


def tools_at(ca: Authority, folder: Path, resolver: DnsServer, leads: dict[Address, Address], **more: Any) -> Tools:
    (folder / "ca.pem").write_text(ca.pem)
    redirects = [(Redirect(f"{at}/tcp"), to) for at, to in leads.items()]
    return Tools(
        routes=Routes.of(redirects, (Cidr("127.0.0.0/8"),)),
        trust=Trust(str(folder / "ca.pem")),
        resolvers=(resolver.address,),
        families=(4,),
        **more,
    )


@pytest.fixture
async def regions(ca: Authority) -> AsyncIterator[Nginx]:
    sites = {
        "east": region("east", ca),
        "west": region("west", ca),
        "wrong": region("wrong", ca, "www.other.test"),
        "elsewhere": region("elsewhere", ca),
    }
    async with nginx(sites) as running:
        yield running


@pytest.fixture
def tools(regions: Nginx, ca: Authority, resolver: DnsServer, tmp_path: Path) -> Tools:
    at = regions.addresses
    leads = {EAST: at["east"], WEST: at["west"], WRONG: at["wrong"], ELSEWHERE: at["elsewhere"]}
    return tools_at(ca, tmp_path, resolver, leads)


URL = f"https://{HOST}/"
SERVING = {"serving": {"header": "x-region"}}


@pytest.mark.slow
async def test_a_region_is_measured_that_the_name_does_not_lead_to(tools: Tools, resolver: DnsServer) -> None:
    [by_name] = await run(check_of("http", URL, **SERVING), tools)
    assert (by_name.reason, by_name.dims["region"], by_name.subject) == (None, "east", str(EAST))
    assert asked_for(resolver) == {f"{HOST}."}
    resolver.asked.clear()
    [direct] = await run(check_of("http", URL, WEST, **SERVING), tools)
    assert (direct.reason, direct.dims["region"], direct.subject) == (None, "west", str(WEST))
    assert direct.dims["address"] == WEST.ip
    assert "lookup" not in [phase.name for phase in direct.phases]
    assert "lookup" not in direct.findings
    assert resolver.asked == []


@pytest.mark.slow
async def test_its_certificate_must_be_for_the_targets_own_name(tools: Tools) -> None:
    for kind, target in (("http", URL), ("tls", HOST)):
        [good] = await run(check_of(kind, target, WEST), tools)
        assert good.reason is None
        wrong, *_ = await run(check_of(kind, target, WRONG), tools)
        assert (wrong.reason, wrong.fault) == ("tls_wrong_name", "target")
        assert wrong.findings["chain"][0]["names"] == ["www.other.test"]


@pytest.mark.slow
async def test_redirects_stay_at_the_member_on_its_host_and_go_by_the_name_elsewhere(
    tools: Tools, resolver: DnsServer
) -> None:
    more = {**SERVING, "redirects": 1, "redirect_hosts": ["other.auth.test"]}
    [stays] = await run(check_of("http", f"{URL}moved", WEST, **more), tools)
    assert (stays.reason, stays.dims["region"]) == (None, "west")
    assert [hop["address"] for hop in stays.findings["hops"]] == [WEST, WEST]
    assert resolver.asked == []
    [leaves] = await run(check_of("http", f"{URL}away", WEST, **more), tools)
    assert (leaves.reason, leaves.dims["region"]) == (None, "elsewhere")
    assert asked_for(resolver) == {"other.auth.test."}


@pytest.mark.slow
async def test_a_kept_connection_is_the_members_own(tools: Tools) -> None:
    for _ in range(2):
        for pinned, name in ((None, "east"), (WEST, "west")):
            [found] = await run(check_of("http", URL, pinned, reuse=True, **SERVING), tools)
            assert found.dims["region"] == name
    assert found.findings["reused"] is True
    tools.kept.close()


@pytest.mark.slow
async def test_a_member_that_is_down_is_down_whatever_the_name_leads_to(tools: Tools, regions: Nginx) -> None:
    closed = Routes.of([(Redirect(f"{WEST}/tcp"), Address("127.0.0.1:9"))], (Cidr("127.0.0.0/8"),))
    found = await run(check_of("http", URL, WEST), msgspec.structs.replace(tools, routes=closed))
    assert {each.reason for each in found} == {"connect_refused"}


async def test_the_guard_holds_for_members_too(resolver: DnsServer, ca: Authority, tmp_path: Path) -> None:
    tools = tools_at(ca, tmp_path, resolver, {})
    for address in ("10.0.0.1:443", "169.254.169.254:80", "192.0.2.20:443"):
        [found] = await run(check_of("http", URL, Address(address)), tools)
        assert (found.reason, found.fault) == ("address_not_allowed", "config")


async def test_a_member_of_a_family_that_the_probe_lacks_does_not_count(
    resolver: DnsServer, ca: Authority, tmp_path: Path
) -> None:
    tools = tools_at(ca, tmp_path, resolver, {})
    [found] = await run(check_of("http", URL, Address("[2001:db8::20]:443")), tools)
    assert (found.abstain, found.dims["family"], found.subject) == ("no_family", "6", "[2001:db8::20]:443")
    assert resolver.asked == []


@pytest.mark.slow
async def test_a_whole_sign_in_goes_through_the_member_and_leaves_nothing_at_the_other(
    ca: Authority, resolver: DnsServer, tmp_path: Path
) -> None:
    async with oidc_provider(ca) as east, oidc_provider(ca) as west:
        spec = {
            "use": "oidc.password",
            "issuer": west.issuer,
            "client": {"id": west.web.id, "redirect_uri": west.web.redirect_uri},
            "user": {"name": "synthetic-{probe}", "password": "secret:PW"},
            "scope": west.web.scope.split(),
        }
        by_name = check_of("signin", west.issuer, None, 20.0, **spec)
        at_west = check_of("signin", west.issuer, WEST, 20.0, **spec)
        at_east = msgspec.structs.replace(at_west, name="api @ east", member="front/east", pinned=EAST)

        def knowing(password: str) -> Tools:
            """Each region has a password of its own: a step at the other one would be refused."""
            leads = {EAST: east.address, WEST: west.address}
            vault = _vault(tmp_path, password)
            return msgspec.structs.replace(tools_at(ca, tmp_path, resolver, leads, signins=Signins()), vault=vault)

        tools = knowing(west.password)
        direct = await run(at_west, tools)
        assert reasons(direct) == [None] * 11
        assert {each.dims["address"] for each in direct if "address" in each.dims} == {WEST.ip}
        oidc = check_of("oidc", west.issuer, WEST, 20.0, issuer=west.issuer)
        assert [(each.subject, each.reason, each.dims["address"]) for each in await run(oidc, tools)] == [
            ("discovery", None, WEST.ip),
            ("jwks", None, WEST.ip),
        ]
        assert resolver.asked == []
        assert reasons(await run(by_name, tools))[-1] == "signin_bad_credentials"
        assert asked_for(resolver) == {"sso.example."}
        assert reasons(await run(at_west, tools))[-1] == "signin_halted", "what was refused by name is not tried again"

        tools = knowing(east.password)
        assert reasons(await run(at_west, tools))[-1] == "signin_bad_credentials"
        assert reasons(await run(at_east, tools))[-1] == "signin_halted", "nor at one member after the other"
        assert reasons(await run(by_name, tools)) == [None] * 11, "and users are watched all the same"


def reasons(found: list[Observation]) -> list[str | None]:
    return [each.reason for each in found]


def _vault(folder: Path, password: str) -> Vault:
    write_private(folder / "password", password.encode())
    return Vault({"PW": BoundSecret(source=f"file:{folder / 'password'}", hosts=["sso.example"])})


@pytest.mark.parametrize(
    ("kind", "target", "spec", "host", "port", "dialled"),
    [
        ("http", URL, {}, HOST, 443, "192.0.2.20:8443"),
        ("http", URL, {}, HOST, 80, "192.0.2.20:80"),
        ("http", f"https://{HOST}:9443/", {}, HOST, 9443, "192.0.2.20:8443"),
        ("http", URL, {}, "other.test", 443, None),
        ("tls", HOST, {}, HOST, 443, "192.0.2.20:8443"),
        ("oidc", "https://sso.test", {"issuer": "https://sso.test"}, "sso.test", 443, "192.0.2.20:8443"),
        ("oidc", "https://sso.test", {"issuer": "https://sso.test"}, "keys.test", 443, None),
        (
            "signin",
            "https://sso.test",
            {"use": "clerk.password", "issuer": "https://sso.test", "frontend_api": "https://api.test"},
            "api.test",
            443,
            "192.0.2.20:8443",
        ),
    ],
)
def test_what_is_dialled_for_a_host(
    kind: str, target: str, spec: dict[str, Any], host: str, port: int, dialled: str | None
) -> None:
    pin = pin_of(check_of(kind, target, Address("192.0.2.20:8443"), **spec), target)
    assert pin is not None
    assert pin.of(host, port) == dialled
    assert pin_of(check_of(kind, target, **spec), target) is None
