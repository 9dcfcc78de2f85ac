"""Secrets of receivers and actions come out nowhere, however the other side answers.

A whole collector has receivers of every kind and both kinds of actions, each with a secret that is looked for
afterwards: in logs, in all that it wrote to disk, in what its API and pages say. The other sides quote all that they
were sent, in every place that some library might quote in turn.
"""

import base64
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trio

from collector.alerts.receivers import RECEIVERS
from collector.events import Event, FailoverChanged
from collector.main import Running
from parallax.clock import wall_ns
from parallax.config import CollectorConfig
from parallax.values import Address, Cidr
from tests.collector.alerts.test_alerts import happen, now, running
from tests.collector.serving import Client
from tests.fakes.http_server import Behaviour, Peer, http_server

pytestmark = pytest.mark.slow
BY_URL = ("slack", "discord", "teams", "grafana-irm", "heartbeat", "ntfy")
BY_TOKEN = ("pagerduty", "alertmanager", "alertmanager-webhook")


def canary(name: str) -> str:
    return f"canary-{name}-5up3r5ecre7"


def given(port: int) -> dict[str, str]:
    """By name: what stands in the secret's file."""
    key = "whsec_" + base64.b64encode(canary("webhook").encode()).decode()
    before = "whsec_" + base64.b64encode(canary("webhook-before").encode()).decode()
    command = "whsec_" + base64.b64encode(canary("automation").encode()).decode()
    tsig = base64.b64encode(canary("zone").encode()).decode()
    found = {"webhook": key, "webhook-before": before, "automation": command, "zone": tsig}
    found |= {kind: f"http://127.0.0.1:{port}/in/{canary(kind)}" for kind in BY_URL}
    found |= {kind: canary(kind) for kind in (*BY_TOKEN, "email")}
    return found


def looks(secret: str) -> Iterator[bytes]:
    """A secret in the forms in which it could come out."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield secret.encode().hex().encode()
    for shift in range(3):  # wherever it begins within base64
        yield base64.b64encode(bytes(shift) + raw)[4:-4]


PLAN = """
[[probe]]
id = "fra1"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://auth.example/health"]
serving = { header = "x-region" }
[[failover]]
name = "front"
kind = "region"
check = "api"
primary = "east"
mode = "auto"
actions = ["automation", "zone"]
members = [
  { name = "east", connect_to = "203.0.113.10:443" },
  { name = "west", connect_to = "203.0.113.20:443" },
]
[[action]]
name = "automation"
kind = "command"
url = "http://127.0.0.1:PORT/x"
key = "secret:automation"
[[action]]
name = "zone"
kind = "dns-update"
server = "127.0.0.1:PORT"
zone = "auth.example"
key_name = "failover"
key = "secret:zone"
[[action.records]]
name = "api.auth.example"
type = "A"
values = { east = ["203.0.113.10"], west = ["203.0.113.20"] }
"""


def plan(port: int) -> str:
    lines = [PLAN.replace("PORT", str(port))]
    for kind in RECEIVERS:
        lines.append(f'[[receiver]]\nname = "{kind}"\nkind = "{kind}"\nkey = "secret:{kind}"')
        if kind == "email":
            lines.append(
                f'host = "127.0.0.1:{port}"\nsender = "p@example.org"\nto = ["o@example.org"]\nuser = "parallax"'
            )
        elif kind not in BY_URL:
            lines.append(f'url = "http://127.0.0.1:{port}/in"')
        if kind == "webhook":
            lines.append('key_before = "secret:webhook-before"')
    return "\n".join(lines) + "\n"


def config(folder: Path, port: int) -> CollectorConfig:
    (folder / "plan.toml").write_text(plan(port))
    secrets = {}
    for name, text in given(port).items():
        file = folder / f"secret-{name}"
        file.write_text(text)
        file.chmod(0o600)
        secrets[name] = f"file:{file}"
    return CollectorConfig(
        state=str(folder / "state"),
        plan=str(folder / "plan.toml"),
        listen=Address("127.0.0.1:0"),
        secrets=secrets,
        allow=[Cidr("127.0.0.0/8")],
    )


async def heard(peer: Peer) -> bytes:
    """All that one request is."""
    said = b""
    with trio.move_on_after(0.2):
        while len(said) < 100_000:
            more = await peer.stream.receive_some(65536)
            if not more:
                break
            said += bytes(more)
    return said


async def quotes_in_every_part(peer: Peer) -> None:
    """An answer that is one: with the request in its reason, its headers and its body."""
    said = await heard(peer)
    head = said.partition(b"\r\n\r\n")[0].replace(b"\r\n", b" ")
    target = b"".join(head.split(b" ")[1:2])
    await peer.send(
        b"HTTP/1.1 307 no %s\r\nlocation: http://127.0.0.1:1%s\r\nretry-after: %s\r\nx-asked: %s\r\n"
        b"content-length: %d\r\n\r\n%s" % (head, target, target, head, len(said), said)
    )


async def quotes_as_its_status_line(peer: Peer) -> None:
    await peer.send(await heard(peer))


async def quotes_in_a_mail_servers_manner(peer: Peer) -> None:
    """Takes a login, and says what it thinks of it."""
    await peer.send(b"220 mx\r\n")
    with trio.move_on_after(5):
        while line := bytes(await peer.stream.receive_some(65536)):
            if line.startswith(b"EHLO"):
                await peer.send(b"250-mx\r\n250 AUTH PLAIN\r\n")
            else:
                await peer.send(b"535 " + line)


@pytest.mark.parametrize(
    "behaviour", [quotes_in_every_part, quotes_as_its_status_line, quotes_in_a_mail_servers_manner]
)
async def test_no_secret_comes_out(behaviour: Behaviour, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = b""
    async with http_server(behaviour) as server:
        loaded = config(tmp_path, server.address.port)
        async with running(loaded) as collector:
            data = FailoverChanged(
                word="command", group="front", source="east", target="west", title="switch", epoch=1,
                not_after=wall_ns() + 3_000_000_000, actions=("automation", "zone"), expected_current="east",
            )  # fmt: skip
            await happen(collector, now("i1", "opened", *RECEIVERS), Event(id="c1", at=wall_ns(), cause=0, data=data))
            with trio.fail_after(60):
                while not all_tried(collector):  # noqa: ASYNC110
                    await trio.sleep(0.02)
            async with trio.open_nursery() as nursery:
                for name in RECEIVERS:
                    nursery.start_soon(collector.alerts.test, name)
            said += await everything_asked(collector)
    said += caplog.text.encode()
    said += b"".join(str(record.__dict__).encode() for record in caplog.records)
    for file in (tmp_path / "state").rglob("*"):
        said += file.read_bytes() if file.is_file() else b""
    assert b"not delivered" in said
    for name, secret in given(0).items():
        hidden = secret if name not in BY_URL else canary(name)
        for form in (*looks(hidden), *looks(canary(name)), *looks("canary-")):
            at = said.find(form)
            assert at < 0, f"{name}: {said[max(at - 300, 0) : at + 100]!r}"


def all_tried(collector: Running) -> bool:
    tried = all(
        each.last_word != "nothing was sent yet" for each in collector.alerts.status if each.kind != "heartbeat"
    )
    return tried and all(each.state != "unknown" for each in collector.actions.status)


async def everything_asked(collector: Running) -> bytes:
    """What the API and the pages say."""
    said = b""
    async with await trio.open_tcp_stream(collector.address.ip, collector.address.port) as stream:
        client = Client(stream)
        host = {"host": str(collector.address)}
        for path in ("/v1/status", "/v1/board", "/v1/failover", "/v1/incidents", "/", "/failover", "/incidents"):
            reply = await client.request("GET", path, token=collector.token, headers=host)
            assert reply.status == 200, path
            said += reply.body
    return said
