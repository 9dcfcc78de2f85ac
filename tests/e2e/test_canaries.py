"""Every kind against a server that echoes everything in every place that it can: no secret is found again in the
observations, the log, the spool's file or on the wire, raw or in any coding."""

import json
import logging
import re
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from parallax import wire
from parallax.clock import NS, wall_ns
from parallax.config import BoundSecret
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.log import TextForm
from parallax.observation import Observation
from parallax.plan.checks import convert_check
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check
from parallax.state import write_private
from parallax.values import encode_value
from probe.checks import KINDS
from probe.hidden import Hidden
from probe.main import main
from probe.runs import Vantage, run_target
from probe.tools import Tools
from probe.vault import Vault
from tests.e2e.canaries import NAMED, leaks, needles
from tests.fakes.clerk import PASSWORD, SECRET_KEY, Asked, Clerk, Said, clerk, error
from tests.fakes.echo_provider import CODINGS, FAULTS, PATHS, EchoProvider, echo_provider
from tests.fakes.http_collector import HttpCollector, http_collector
from tests.fakes.probes import part, probe_config
from tests.parts.certificates import Authority
from tests.probe.signin.clerk_runs import go, tools_at

pytestmark = pytest.mark.slow
CA = Authority()
LEAF = CA.leaf("localhost")


def bindings(folder: Path) -> dict[str, BoundSecret]:
    for name, value in NAMED.items():
        write_private(folder / name, value.encode())
    return {name: BoundSecret(source=f"file:{folder / name}", hosts=["localhost"]) for name in NAMED}


def tools_in(folder: Path) -> Tools:
    """As of one run."""
    return Tools(
        routes=Routes.of(allow=EVERYWHERE), trust=Trust(CA.write(folder)), resolvers=(), families=(4,),
        vault=Vault(bindings(folder)),
    )  # fmt: skip


def tables(issuer: str) -> dict[str, dict[str, Any]]:
    """A check of each kind that has secrets, as a plan has it; of signin one by a preset, and one by steps."""
    back = {"as": "backchannel"}
    code = {"grant_type": "authorization_code", "code": "{callback.code}", "code_verifier": "{pkce.verifier}"}
    return {
        "steps": {
            "kind": "signin", "issuer": issuer, "client": {"id": "web"}, "user": {"name": "synthetic"}, "period": "10m",
            "step": [
                {"name": "open", "request": {"get": "{authorize_url}"}},
                {
                    "name": "password",
                    "submit": {"form": "password", "fill": {"login": "synthetic", "password": "secret:PASSWORD"}},
                },
                {"name": "consent", "submit": {"form": 1}},
                {
                    "name": "token",
                    "request": {
                        "post": "{md.token_endpoint}", **back, "form": {**code, "client_secret": "secret:CLIENT"},
                    },
                    "capture": {"at": {"json": "$.access_token"}, "rt": {"json": "$.refresh_token"}},
                },
                {
                    "name": "who",
                    "request": {
                        "get": "{md.userinfo_endpoint}", **back,
                        "headers": {"Authorization": "Bearer {at}", "X-Key": "secret:HEADER"},
                    },
                    "assert": [{"header": "X-Named", "equals": "other"}, {"json": "$.name", "equals": "other"}],
                },
                {
                    "name": "leave", "cleanup": True,
                    "request": {"post": "{md.revocation_endpoint}", **back, "form": {"token": "{rt}"}},
                },
            ],
        },
        "signin": {
            "use": "oidc.password", "issuer": issuer, "client": {"id": "web"}, "scope": ["openid", "offline_access"],
            "user": {"name": "synthetic", "password": "secret:PASSWORD"}, "period": "10m",
        },
        "oidc": {
            "issuer": issuer, "client": {"id": "machine", "auth": "basic", "secret": "secret:CLIENT"},
            "scope": ["read"], "period": "10m",
        },
        "http": {
            "targets": [f"{issuer}/hello"], "method": "POST", "redirects": 3,
            "headers": {"Authorization": "Bearer {secret:HEADER}", "X-Key": "secret:OTHER"},
            "body": '{"password": "{secret:BODY}"}', "serving": {"header": "X-Region"},
            "assert": [
                {"status": [200]}, {"header": "X-Named", "equals": "other"}, {"json": "$.echo", "equals": "other"},
                {"body": "text", "contains": "nowhere to be found"},
            ],
        },
    }  # fmt: skip


def check_of(kind: str, table: Mapping[str, Any]) -> Check:
    found = convert_check({"name": "canary", "kind": kind, "timeout": "10s", **table})
    assert isinstance(found, Check), found
    return found


async def run(check: Check, tools: Tools, at: int | None = None) -> list[Observation]:
    with trio.fail_after(60):
        return await run_target(
            check, check.targets[0], Vantage(probe="p", families=(4,)), tools, scheduled_at=at or wall_ns()
        )


def on_the_wire(observations: list[Observation]) -> bytes:
    return msgspec.json.encode(observations, enc_hook=encode_value)


def test_the_kinds_here_are_all_that_send_secrets() -> None:
    assert {kind for kind in KINDS if SPECS[kind].secrets} == tables("https://localhost").keys() - {"steps"}


async def test_an_echo_is_found_where_nothing_hides_it(tmp_path: Path) -> None:
    """The search itself: what the server sends back is found in each of its codings, before anything hides it."""
    async with echo_provider(LEAF) as provider:
        await run(check_of("signin", tables(provider.issuer)["signin"]), tools_in(tmp_path))
        wanted = needles(provider.secrets)
        for _ in range(len(CODINGS) * len(provider.secrets)):
            sent = provider.send(200, provider.texts(), "text/plain")
            assert leaks(sent.replace(b"%3D", b"="), wanted)


@pytest.mark.parametrize("kind", ["signin", "steps", "oidc", "http"])
async def test_a_run_to_its_end_keeps_every_secret(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for turn in range(0, 40 * 7, 7):
        async with echo_provider(LEAF, turn) as provider:
            found = await run(check_of(kind, tables(provider.issuer)[kind]), tools_in(tmp_path))
            assert provider.secrets
            _assert_clean(found, caplog, provider)
    ended = {"signin": "session", "steps": "cleanup"}
    assert found[-1].subject == ended.get(kind, found[-1].subject), [(each.subject, each.reason) for each in found]


@pytest.mark.parametrize("status", [200, *FAULTS])
async def test_a_session_that_is_kept_stays_secret_in_the_runs_after(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What one run captured comes back in another."""
    async with echo_provider(LEAF, 3) as provider:
        table = tables(provider.issuer)["signin"] | {"every": {"silent": "60s", "full": "10m"}, "period": "30s"}
        check, tools, of_all = check_of("signin", table), tools_in(tmp_path), Hidden()
        cadences = set[str]()
        for number in range(44):
            fresh = msgspec.structs.replace(tools, hidden=Hidden(of_all))
            if "full" in cadences and status != 200:
                provider.fault["/token"] = status
            found = await run(check, fresh, at=(1_800_000_000 + 30 * number) * NS)
            cadence = found[-1].dims["cadence"]
            if cadence != "silent" or "full" in cadences:
                cadences.add(cadence)
            _assert_clean(found, caplog, provider, only=() if cadence == "light" else None)
            live = ("access_token", "id_token", "refresh_token")  # what else there is was used up
            provider.secrets = {name: value for name, value in provider.secrets.items() if name in live}
            if status != 200 and cadences >= {"full", "silent"}:
                break  # the session may be over, and what it had is nobody's
        else:
            assert status == 200
        assert cadences >= {"silent", "full"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["signin", "steps", "oidc", "http"])
async def test_a_refusal_that_echoes_keeps_every_secret(
    kind: str, path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for number, status in enumerate(FAULTS):
        async with echo_provider(LEAF, number * 13) as provider:
            table = tables(provider.issuer)[kind]
            if kind == "http":
                table["targets"] = [f"{provider.issuer}{path}"]
            provider.fault[path] = status
            found = await run(check_of(kind, table), tools_in(tmp_path))
            _assert_clean(found, caplog, provider)


def _assert_clean(
    found: list[Observation],
    caplog: pytest.LogCaptureFixture,
    provider: EchoProvider,
    only: Collection[str] | None = None,
) -> None:
    """`only`: of what the provider made and got, what this run knows; all of it if left out."""
    known = {name: value for name, value in provider.secrets.items() if only is None or name in only}
    wanted = needles({**NAMED, **known})
    assert leaks(on_the_wire(found), wanted) == []
    assert leaks("\n".join(map(TextForm().format, caplog.records)).encode(), wanted) == []
    caplog.clear()


async def test_a_probe_that_runs_all_kinds_ships_keeps_and_logs_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    often = {"period": "1s", "timeout": "900ms", "external": False}
    async with echo_provider(LEAF, 5) as provider, http_collector() as collector:
        at = str(provider.address)
        checks = [
            {"name": kind, "kind": kind, **table, **often, **_each_run(kind)}
            for kind, table in tables(provider.issuer).items()
            if kind != "steps"
        ]
        checks.append({"name": "tls", "kind": "tls", "targets": [at], "server_name": "localhost", **often})
        checks.append({"name": "dns", "kind": "dns", "targets": [at], "query": "example.org", **often})
        collector.give_part(*part(*checks))
        (tmp_path / "probe").mkdir()
        config = probe_config(
            tmp_path / "probe", collector.port, secrets=bindings(tmp_path), ca=CA.write(tmp_path),
            resolvers=[provider.address],
        )  # fmt: skip

        def seen() -> set[str]:
            return {o.check for batch in collector.batches for o in batch.observations}

        async with trio.open_nursery() as nursery:
            await nursery.start(main, config)
            await collector.wait_for(lambda: seen() >= {"oidc", "http", "tls", "dns"} and _came_far(collector), 40)
            nursery.cancel_scope.cancel()
        wanted = needles(NAMED)  # what a run captured is no other run's to hide
        assert leaks(b"".join(request.body for request in collector.requests), wanted) == []
        for batch in collector.batches:
            assert leaks(on_the_wire(batch.observations), wanted) == []
        assert leaks("\n".join(map(TextForm().format, caplog.records)).encode(), wanted) == []
        for file in (tmp_path / "probe").rglob("*"):
            if file.is_file():
                assert leaks(file.read_bytes(), wanted) == [], file
        for body in _spooled(tmp_path / "probe" / "state" / "spool.db"):
            assert leaks(on_the_wire(wire.decode(body).observations), wanted) == []


@pytest.mark.parametrize("use", ["clerk.password", "clerk.email_code", "clerk.session_token"])
async def test_what_clerk_gives_back_is_hidden(use: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with clerk(LEAF) as server:
        await go(server, tools_at(CA, tmp_path), use)
        paths = dict.fromkeys(asked.key for asked, _ in server.exchanges)
    assert len(paths) > 3
    for turn, path in enumerate(paths):
        for status in (401, 422, 429, 500):
            async with clerk(LEAF) as server:
                server.hooks[path] = partial(_echo_all, server, status, turn + status)
                found = await go(server, tools_at(CA, tmp_path), use)
                wanted = needles(_clerks(server))
                assert leaks(on_the_wire(found), wanted) == []
                assert leaks("\n".join(map(TextForm().format, caplog.records)).encode(), wanted) == []
                caplog.clear()


def _clerks(server: Clerk) -> dict[str, str]:
    """What must stay secret, of what came and went so far."""
    told = b" ".join(asked.body + said.body + " ".join(said.lines).encode() for asked, said in server.exchanges)
    text = told.decode("latin-1")
    tokens = re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text) + re.findall(r"__client=([^;\s]{8,})", text)
    sent = " ".join(f"{asked.headers} {asked.form}" for asked, _ in server.exchanges)
    own = {name: each for name, each in (("password", PASSWORD), ("key", SECRET_KEY)) if each in sent}
    return {**own, **{f"token {number}": each for number, each in enumerate(tokens)}}


def _echo_all(server: Clerk, status: int, turn: int, asked: Asked) -> Said:
    """An error whose every part has secrets in it."""
    known = _clerks(server) or {"nothing": "nothing by now"}
    coded = [coding(value) for value in known.values() for coding in CODINGS.values()]
    turned = coded[turn * 7 % len(coded) :] + coded[: turn * 7 % len(coded)]
    line = next(each for each in turned if each.isprintable() and each.isascii())
    said = error(
        turned[0], status, f"X-Named: {line}", f"CF-Ray: {line}-FRA", f"Server: {line}", message=" ".join(turned[1:4])
    )
    return msgspec.structs.replace(said, body=said.body.replace(b"7ra3e", json.dumps(turned[5])[1:-1].encode()))


def _each_run(kind: str) -> dict[str, Any]:
    every: dict[str, dict[str, Any]] = {"signin": {"every": {"full": "1s"}}, "oidc": {"every": "1s"}}
    return every.get(kind, {})


def _came_far(collector: HttpCollector) -> bool:
    steps = {o.subject for batch in collector.batches for o in batch.observations if o.check == "signin"}
    return "token" in steps


def _spooled(file: Path) -> list[bytes]:
    """The bodies that the spool still has."""
    with closing(sqlite3.connect(file)) as database:
        return [bytes(body) for (body,) in database.execute("SELECT body FROM records")]
