"""Servers for the ways that a sign-in ends which test_misbehaving has none for: each is told by its own word, on its
own side, at its own step."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from parallax.config import BoundSecret
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.letters import Letter
from parallax.observation import Observation
from parallax.state import write_private
from probe.mailbox import KINDS, MailboxError
from probe.main import main
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.dns_server import UdpBehaviour, dns_server, with_rcode
from tests.fakes.dns_server import silent as says_nothing
from tests.fakes.http_collector import http_collector
from tests.fakes.http_server import Peer, blurts, http_server, resets_at_once, silent
from tests.fakes.probes import part, probe_config
from tests.fakes.signin_server import DISCOVERY, LOGIN, PASSWORD, Asked, Said, SigninServer, as_json, page, to
from tests.parts.certificates import DAY, Authority
from tests.parts.ports import free_port
from tests.probe.oidc.keys import signed, weak_signer
from tests.probe.signin.flows import check_of, run, spec_of, tools_at

pytestmark = pytest.mark.slow

Misbehave = Callable[[SigninServer], None]
ISSUER = "https://sso.acme.test"
CODE = (
    "<title>Enter the code</title><p>We sent a code to your e-mail address</p>%s<form method=post action=/code>"
    "<label>Code <input name=code autocomplete=one-time-code inputmode=numeric></label><button>Verify</button></form>"
)
CONSENT = (
    "<title>Allow access</title><p>The app wants access to your account</p><form method=post action=/consent>"
    "<button name=answer value=no>Deny</button><button name=answer value=yes>Allow</button></form>"
)


def answers(path: str, said: Callable[[Asked], Said]) -> Misbehave:
    return lambda server: server.answers.update({path: said})


def refuses(text: str) -> Misbehave:
    """The form again, and why."""
    return answers("/login", lambda _: page(LOGIN.replace(b"<form", f"<p role=alert>{text}</p><form".encode())))


def tells(text: str, status: int = 200) -> Misbehave:
    return answers("/login", lambda _: page(f"<title>Sign in</title><h1>{text}</h1>", status))


def calls_back_with(error: str) -> Misbehave:
    return lambda server: server.answers.update({"/login": lambda _: server.callback(code="", error=error)})


def claims(**said: Any) -> Misbehave:
    return lambda server: server.claims.update(said)


def lacks(name: str) -> Misbehave:
    def misbehave(server: SigninServer) -> None:
        document = {key: value for key, value in server.document().items() if key != name}
        server.answers[DISCOVERY] = lambda _: as_json(document)

    return misbehave


def signs(**how: Any) -> Misbehave:
    def misbehave(server: SigninServer) -> None:
        server.id_token = lambda: signed({"iss": server.issuer}, **how)  # type: ignore[method-assign]

    return misbehave


def refreshes(said: Callable[[], Said]) -> Misbehave:
    def misbehave(server: SigninServer) -> None:
        first = server.answers["/token"]
        server.answers["/token"] = lambda asked: said() if "refresh_token" in asked.form else first(asked)

    return misbehave


def asks_for_a_code(server: SigninServer) -> None:
    server.answers["/login"] = lambda _: page(CODE % "")
    server.answers["/code"] = lambda _: page(CODE % "<p role=alert>The code is not right</p>")


NO_JSON = Said(200, b"<p>hello", ("Content-Type: text/html",))
CASES: dict[str, tuple[Misbehave, dict[str, Any], str, str, str]] = {
    "discovery lacks a field": (lacks("token_endpoint"), {}, "discovery", "discovery_missing_field", "target"),
    "no key set": (answers("/jwks", lambda _: Said(404)), {}, "jwks", "jwks_http", "target"),
    "no page": (answers("/auth", lambda _: page("<p>Not here", 404)), {}, "authorize", "signin_error_page", "target"),
    "an empty page": (
        answers("/auth", lambda _: page("<p>hello")), {}, "authorize", "signin_unexpected_page", "target",
    ),
    "an error with 200": (tells("Something went wrong"), {}, "password", "signin_error_page", "target"),
    "a redirect to itself": (
        answers("/auth", lambda asked: to("/auth")), {}, "authorize", "signin_loop", "target",
    ),
    "a wrong password": (refuses("Wrong user name or password"), {}, "password", "signin_bad_credentials", "config"),
    "an unknown user": (
        refuses("No account found with that user name"), {}, "password", "signin_unknown_identifier", "config",
    ),
    "a wrong code": (
        asks_for_a_code, {"user": {"name": "u", "password": "secret:PW", "code": "424242"}}, "otp", "signin_bad_otp",
        "config",
    ),
    "consent, left out": (
        answers("/login", lambda _: page(CONSENT)), {"leave_out": ["consent"]}, "password", "signin_consent_required",
        "config",
    ),
    "too many attempts, with 200": (
        refuses("Too many attempts. Please try again later."), {}, "password", "signin_account_throttled", "blocked",
    ),
    "OAuth: overloaded": (
        calls_back_with("temporarily_unavailable"), {}, "password", "oauth_temporarily_unavailable", "target",
    ),
    "OAuth: scope": (calls_back_with("invalid_scope"), {}, "password", "oauth_invalid_scope", "config"),
    "OAuth: consent": (calls_back_with("consent_required"), {}, "password", "oauth_consent_required", "config"),
    "OAuth: a limit": (
        answers("/token", lambda _: as_json({"error": "slow_down"}, 400)), {}, "token", "oauth_throttled", "blocked",
    ),
    "OAuth: redirect": (
        answers("/auth", lambda _: as_json({"error": "invalid_redirect_uri"}, 400)), {}, "authorize",
        "oauth_redirect_uri_mismatch", "config",
    ),
    "OAuth: client": (
        answers("/token", lambda _: as_json({"error": "invalid_client"}, 401)), {}, "token", "oauth_invalid_client",
        "config",
    ),
    "OAuth: a word of its own": (calls_back_with("out_of_cheese"), {}, "password", "oauth_error", "target"),
    "a token endpoint without JSON": (answers("/token", lambda _: NO_JSON), {}, "token", "oauth_token_error", "target"),
    "a refresh without JSON": (refreshes(lambda: NO_JSON), {}, "refresh", "oauth_refresh_error", "target"),
    "a refresh refused": (
        refreshes(lambda: as_json({"error": "invalid_grant"}, 400)), {}, "refresh", "oauth_invalid_grant", "target",
    ),
    "another key": (signs(sign=weak_signer()), {}, "verify", "token_signature_invalid", "target"),
    "a key nobody knows": (signs(kid="k-of-nobody"), {}, "verify", "jwks_kid_unknown", "target"),
    "signed by nobody": (signs(algorithm="none", kid=None), {}, "verify", "token_alg_not_allowed", "target"),
    "no subject": (claims(sub=None), {}, "verify", "token_claim_missing", "target"),
    "another issuer's token": (claims(iss="https://evil.example"), {}, "verify", "token_iss_mismatch", "target"),
    "an expired token": (claims(iat=1_700_000_000, exp=1_600_000_000), {}, "verify", "token_expired", "target"),
    "another access token": (claims(at_hash="AAAA"), {}, "verify", "token_at_hash_mismatch", "target"),
    "userinfo refuses": (answers("/me", lambda _: Said(401)), {}, "userinfo", "session_userinfo_http", "target"),
    "userinfo without JSON": (
        answers("/me", lambda _: NO_JSON), {}, "userinfo", "session_userinfo_malformed", "target",
    ),
    "no logout": (answers("/revoke", lambda _: Said(404)), {}, "logout", "session_logout_failed", "target"),
}  # fmt: skip


async def go(tools: Tools, spec: dict[str, Any], *, timeout_s: float = 10) -> list[Observation]:
    with trio.fail_after(60):
        return await run(check_of(spec, timeout_s=timeout_s), tools)


def first_of(found: list[Observation]) -> tuple[str, str | None, str | None]:
    ended = next(each for each in found if each.reason is not None)
    return ended.subject, ended.reason, ended.fault


@pytest.mark.parametrize("name", CASES)
async def test_what_a_provider_does_is_told_by_its_class(
    name: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    misbehave, more, *expected = CASES[name]
    misbehave(server)
    found = await go(tools_at(ca, tmp_path), spec_of(server, **more))
    assert list(first_of(found)) == expected, [each.findings for each in found if each.reason]
    assert len(server.forms("/login")) <= 1


async def test_a_page_that_leads_on_too_late(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers["/auth"] = lambda _: page('<meta http-equiv=refresh content="9; url=/x"><p>One moment')
    found = await go(tools_at(ca, tmp_path), spec_of(server), timeout_s=1)
    assert first_of(found) == ("authorize", "signin_timeout", "target")


class NoMailbox:
    """As where no collector can be asked."""

    kinds = KINDS

    async def wait(self, to: str, since: float, within_s: float, **more: object) -> list[Letter]:
        raise MailboxError("the collector cannot be asked after mail")


async def test_nobody_can_be_asked_after_the_mail(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    asks_for_a_code(server)
    user = {"name": "u@mx.example", "password": "secret:PW", "mail": {"within": "2s"}}
    found = await go(tools_at(ca, tmp_path, mailbox=NoMailbox()), spec_of(server, user=user))
    assert first_of(found) == ("otp", "mailbox_unreachable", "probe")


MACHINE_CASES = {
    "no JSON": (NO_JSON, "oauth_client_credentials_error", "target"),
    "refused": (as_json({"error": "unauthorized_client"}, 400), "oauth_unauthorized_client", "config"),
    "an error of its own": (as_json({"error": "server_error"}, 500), "oauth_server_error", "target"),
}


@pytest.mark.parametrize("name", MACHINE_CASES)
async def test_what_a_provider_does_to_a_machine(
    name: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    said, reason, fault = MACHINE_CASES[name]
    server.answers["/token"] = lambda _: said
    client = {"id": "machine", "auth": "basic", "secret": "secret:PW"}
    spec = {"use": "oidc.client_credentials", "issuer": server.issuer, "client": client}
    assert first_of(await go(tools_at(ca, tmp_path), spec)) == ("token", reason, fault)
    assert len(server.forms("/token")) == 1


def spec_at(issuer: str) -> dict[str, Any]:
    user = {"name": "synthetic", "password": "secret:PW"}
    return {"use": "oidc.password", "issuer": issuer, "client": {"id": "web"}, "user": user}


LOOKUPS: dict[str, tuple[UdpBehaviour, str, str]] = {
    "NXDOMAIN": (with_rcode("NXDOMAIN"), "dns_nxdomain", "target"),
    "SERVFAIL": (with_rcode("SERVFAIL"), "dns_servfail", "resolver"),
    "SERVFAIL, as the zone is dark": (with_rcode("SERVFAIL", ede=22), "dns_servfail", "target"),
    "SERVFAIL, as signatures do not hold": (with_rcode("SERVFAIL", ede=6), "dns_bogus", "target"),
    "REFUSED": (with_rcode("REFUSED"), "dns_refused", "resolver"),
    "silence": (says_nothing, "dns_timeout", "resolver"),
}


@pytest.mark.parametrize("name", LOOKUPS)
async def test_a_provider_whose_name_is_not_found(name: str, ca: Authority, tmp_path: Path) -> None:
    behaviour, reason, fault = LOOKUPS[name]
    write_private(tmp_path / "password", b"of no use")
    async with dns_server(behaviour) as resolver:
        tools = Tools(
            routes=Routes.of(allow=EVERYWHERE), trust=Trust(ca.write(tmp_path)), resolvers=(resolver.address,),
            families=(4,),
            vault=Vault({"PW": BoundSecret(source=f"file:{tmp_path / 'password'}", hosts=["acme.test"])}),
        )  # fmt: skip
        found = await go(tools, spec_at(ISSUER), timeout_s=2)
    assert first_of(found) == ("discovery", reason, fault)


async def resets(peer: Peer) -> None:
    await peer.request()
    await resets_at_once(peer)


CONNECTIONS: dict[str, tuple[Callable[[Peer], Awaitable[None]], bool, str]] = {
    "reset": (resets, True, "connection_reset"),
    "no TLS": (blurts(b"HTTP/1.0 400 no\r\n\r\n"), False, "tls_malformed"),
    "an alert": (blurts(b"\x15\x03\x03\x00\x02\x02\x28"), False, "tls_alert"),
    "an old version": (blurts(b"\x15\x03\x01\x00\x02\x02\x46"), False, "tls_old_version"),
    "no handshake": (silent, False, "tls_timeout"),
}


@pytest.mark.parametrize("name", CONNECTIONS)
async def test_a_provider_that_cannot_be_talked_to(name: str, ca: Authority, tmp_path: Path) -> None:
    behaviour, has_tls, reason = CONNECTIONS[name]
    async with http_server(behaviour, certificate=ca.leaf("localhost") if has_tls else None) as server:
        issuer = f"https://localhost:{server.address.port}"
        found = await go(tools_at(ca, tmp_path), spec_at(issuer), timeout_s=2)
        assert first_of(found) == ("discovery", reason, "target")
        assert [each.attempt for each in found] == [1, 2]


async def test_a_provider_that_is_not_there(ca: Authority, tmp_path: Path) -> None:
    found = await go(tools_at(ca, tmp_path), spec_at(f"https://localhost:{free_port()}"))
    assert first_of(found) == ("discovery", "connect_refused", "target")


CERTIFICATES: dict[str, tuple[Callable[[Authority], Any], str]] = {
    "expired": (lambda ca: ca.leaf("localhost", until=datetime.now(UTC) - DAY), "tls_expired"),
    "too early": (lambda ca: ca.leaf("localhost", since=datetime.now(UTC) + DAY), "tls_not_yet_valid"),
    "another name": (lambda ca: ca.leaf("other.acme.test"), "tls_wrong_name"),
    "another CA": (lambda ca: Authority("Another CA").leaf("localhost"), "tls_untrusted"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
async def test_a_provider_with_a_bad_certificate_gets_nothing(name: str, ca: Authority, tmp_path: Path) -> None:
    make, reason = CERTIFICATES[name]
    async with http_server(silent, certificate=make(ca)) as server:
        found = await go(tools_at(ca, tmp_path), spec_at(f"https://localhost:{server.address.port}"), timeout_s=5)
        assert first_of(found) == ("discovery", reason, "target")
        assert not server.asked


@pytest.mark.parametrize("ends", [True, False])
async def test_a_cancelled_run_tells_what_it_saw_and_whether_it_left_anything(
    ends: bool, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    told: list[Observation] = []
    if not ends:
        server.answers["/revoke"] = lambda _: Said(503)
    with trio.CancelScope() as scope:

        def cancels(asked: Asked) -> Said:
            scope.cancel()
            return Said(raw=b"", then="hang")

        server.answers["/me"] = cancels
        await go(tools_at(ca, tmp_path, on_cancelled=told.extend), spec_of(server))
    assert scope.cancelled_caught
    last, cleanup = told[-2:]
    assert (last.subject, last.reason, last.fault) == ("userinfo", "signin_cancelled", "probe")
    assert cleanup.subject == "cleanup"
    assert cleanup.reason == (None if ends else "signin_cleanup_failed")
    assert [each.subject for each in told[:3]] == ["discovery", "jwks", "authorize"]
    assert {each.abstain for each in told} == {"cancelled"}


async def test_a_probe_that_ends_ships_what_its_cancelled_sign_in_saw(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    under_way = trio.Event()

    def hangs(asked: Asked) -> Said:
        under_way.set()
        return Said(raw=b"", then="hang")

    server.answers["/me"] = hangs
    write_private(tmp_path / "password", PASSWORD.encode())
    secret = BoundSecret(source=f"file:{tmp_path / 'password'}", hosts=["localhost"])
    check = {"name": "s", "kind": "signin", "external": False, **spec_of(server)}
    check |= {"period": "10s", "timeout": "9s", "every": {"full": "10s"}}
    async with http_collector() as collector:
        collector.give_part(*part(check))
        config = probe_config(tmp_path, collector.port, secrets={"PW": secret}, ca=ca.write(tmp_path))
        async with trio.open_nursery() as nursery:
            await nursery.start(main, config)
            with trio.fail_after(60):
                await under_way.wait()
            nursery.cancel_scope.cancel()
        seen = [each for batch in collector.batches for each in batch.observations if each.check == "s"]
    assert [(each.subject, each.reason) for each in seen[-2:]] == [("userinfo", "signin_cancelled"), ("cleanup", None)]
    assert not server.session


TOLD = {
    *(reason for *_, reason, _ in CASES.values()),
    *(reason for _, reason, _ in MACHINE_CASES.values()),
    *(reason for _, reason, _ in LOOKUPS.values()),
    *(reason for *_, reason in CONNECTIONS.values()),
    *(reason for _, reason in CERTIFICATES.values()),
    "connect_refused",
    "mailbox_unreachable",
    "signin_cancelled",
    "signin_timeout",
}
"""Every word that is shown here by a server."""
