"""What people say of incidents, from a request to the timeline, over real sockets; `parallax incident` against them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from click.testing import CliRunner, Result

from collector.commands import CommandError, Commands, IncidentCommands
from collector.detect.incidents.timeline import MAX_HUMAN
from collector.events import Evidence, Extent, FaultDomain, Incident, Moment
from collector.tokens import add_token
from parallax import wire
from parallax.cli import parallax
from parallax.cli.incident import incident_lines, story_lines
from parallax.clock import NS, wall_ns
from tests.collector.serving import Client, Served, batch, collector, observation

pytestmark = pytest.mark.slow

PLAN = """
[[probe]]
id = "fra1"
region = "eu-central"
provider = "hetzner"
[[check]]
name = "api"
kind = "http"
targets = ["https://a.example/"]
"""
NOW = 1_790_000_000 * NS


def shown(**more: Any) -> Incident:
    base = Incident(
        id="5eed-1", title="a.example is out", severity="critical", domain=None,
        started_at=NOW, opened_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return msgspec.structs.replace(base, **more)


def _commands(*known: Incident) -> IncidentCommands:
    async def wait(board: object) -> None:
        await trio.sleep_forever()

    return IncidentCommands(Commands(None, None, wait), lambda: known)  # type: ignore[arg-type]


async def _refusal(known: tuple[Incident, ...], word: str, body: object, id_: str = "5eed-1") -> str:
    commands, raw = _commands(*known), json.dumps(body).encode()
    arguments = (raw, "ann") if word == "fact" else (id_, raw, "ann")
    with pytest.raises(CommandError) as caught:
        await getattr(commands, word)(*arguments)
    return str(caught.value)


BAD: list[tuple[str, object, str]] = [
    ("note", {"text": " \n\x07 "}, '"text" is empty: say what is to be noted'),
    ("note", {"text": "n" * 501}, '"text" has 501 characters; 500 are the most'),
    ("note", {}, "the body is not what is wanted here: Object missing required field `text`"),
    ("note", {"text": "n", "by": "me"}, "the body is not what is wanted here: Object contains unknown field `by`"),
    ("title", {"title": "t" * 201}, '"title" has 201 characters; 200 are the most'),
    ("identify", {"kind": "planet", "name": "mars"}, "\"kind\" is 'planet'; known are operator, zone, name_server, "),
    ("identify", {"kind": "region"}, 'say where it is by both "kind" and "name"; leave both out to take it back'),
    ("fact", {"what": "paged"}, "\"what\" is 'paged'; known are switched, effective, vendor_posted"),
    ("fact", {"what": "switched", "at": "yesterday"}, "\"at\" is 'yesterday'; write a time as 2026-02-10T17:35:00Z"),
    ("fact", {"what": "switched", "at": "2026-02-10T17:35:00"}, "\"at\" is '2026-02-10T17:35:00'; write a time as "),
    ("fact", {"what": "switched", "at": "1999-01-01T00:00:00Z"}, "it must lie within the last 7 days"),
    ("fact", {"what": "switched", "at": "9999-12-31T23:59:59Z"}, "it must lie within the last 7 days"),
]


@pytest.mark.parametrize(("word", "body", "message"), BAD)
async def test_what_is_wrong_is_said(word: str, body: object, message: str) -> None:
    assert message in await _refusal((shown(),), word, body)


async def test_an_unknown_incident_names_the_known_ones() -> None:
    many = tuple(shown(id=f"5eed-{number}") for number in range(30))
    assert await _refusal((), "note", {"text": "n"}) == (
        "no incident '5eed-1' is open or ended of late; known are none"
    )
    message = await _refusal(many, "note", {"text": "n"}, "x" * 100)
    assert message.startswith(
        f"no incident '{'x' * 60}' is open or ended of late; known are 5eed-0 (a.example is out), "
    )
    assert message.endswith(" and 10 more")
    assert "say which incident it is about" in await _refusal(many, "fact", {"what": "switched"})


async def test_a_full_timeline_says_so() -> None:
    full = shown(timeline=tuple(Moment(at=NOW, what="note", text="n", actor="ann") for _ in range(MAX_HUMAN)))
    message = await _refusal((full,), "acknowledge", {})
    assert message.startswith("incident 5eed-1 has 50 entries of people on its timeline")


async def test_people_and_facts_on_a_timeline(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served, served.client() as client:
        id_ = await _open_one(served, client)
        owner = add_token(served.state, "owner", "ann")

        async def say(path: str, body: object, token: str = owner) -> Any:
            return await client.request("POST", path, token=token, body=json.dumps(body).encode())

        for path, body in (
            (f"/v1/incidents/{id_}/acknowledge", {}),
            (f"/v1/incidents/{id_}/notes", {"text": "the vendor\nis told"}),
            (f"/v1/incidents/{id_}/title", {"title": "The probe's host is down"}),
            (f"/v1/incidents/{id_}/identify", {"kind": "network", "name": "hetzner"}),
            ("/v1/facts", {"what": "vendor_posted", "incident": id_, "text": "investigating"}),
        ):
            reply = await say(path, body)
            assert (reply.status, reply.json["incident"]["id"]) == (200, id_), reply.json
        told = reply.json["incident"]
        assert (told["title"], told["human"]["title_by"], told["human"]["acknowledged_by"]) == (
            "The probe's host is down", "ann", "ann",
        )  # fmt: skip
        said = [(moment["what"], moment["text"]) for moment in told["timeline"] if moment["actor"] == "ann"]
        assert ("note", "the vendor is told") in said
        assert ("vendor_posted", "investigating") in said
        board = (await client.request("GET", "/v1/board", token=owner)).json
        assert [each["title"] for each in board["incidents"]] == ["The probe's host is down"]
        listed = (await client.request("GET", "/v1/incidents", token=owner)).json
        assert [each["id"] for each in listed["incidents"]] == [id_]
        story = (await client.request("GET", f"/v1/incidents/{id_}", token=owner)).json
        assert story["incident"]["timeline"] == told["timeline"]
        reply = await client.request("GET", "/v1/incidents/none-1", token=owner)
        assert (reply.status, reply.json["message"]) == (
            404, f"there is no incident 'none-1'; open and watched: {id_}",
        )  # fmt: skip
        for token, status in ((add_token(served.state, "viewer", "vera"), 403), ("", 401)):
            for path in (f"/v1/incidents/{id_}/notes", "/v1/facts"):
                assert (await say(path, {"text": "x"}, token)).status == status

        async def run(*arguments: str) -> Result:
            line = ["incident", *arguments, "--state", str(served.state)]
            return await trio.to_thread.run_sync(lambda: CliRunner().invoke(parallax, line))

        result = await run("note", id_, "seen", "by", "phone")
        assert (result.exit_code, "note by local: seen by phone" in result.output) == (0, True)
        assert "The probe's host is down" in (await run()).output
        assert "network hetzner" in (await run("show", id_)).output
        result = await run("ack", "none-1")
        assert result.exit_code == 2
        assert f"no incident 'none-1' is open or ended of late; known are {id_} (" in result.output
        assert (await run("fact", "vendor_posted", "it is over", "--incident", id_)).exit_code == 0
        assert (await run("title", id_)).exit_code == 0
        result = await run("show", id_, "--json")
        assert json.loads(result.output)["incident"]["human"]["title"] == ""


async def _open_one(served: Served, client: Client) -> str:
    """An incident: the only probe fails again and again."""
    token, now = served.token(), wall_ns()
    for number in range(1, 7):
        at = now - (7 - number) * 4 * NS
        failed = msgspec.structs.replace(
            observation(number, at=at), check="api", kind="http", target="https://a.example/", reason="connect_timeout",
            fault="target",
        )  # fmt: skip
        body = wire.encode(batch(number, observations=[failed], cut_at=at))
        headers = {"content-type": wire.MSGPACK, "content-encoding": wire.ZSTD}
        reply = await client.request("POST", "/v1/batches", token=token, body=body, headers=headers)
        assert reply.status == 200, reply.body
    with trio.fail_after(60):
        while not (incidents := served.running.detector.board().incidents):
            await served.running.detector.wait_changed(served.running.detector.board())
    return incidents[0].id


def test_lines_for_people() -> None:
    incident = msgspec.to_builtins(
        shown(
            stage="monitoring", over_at=NOW + 600 * NS, because=("all fail",), left_out=2, parent="5eed-0",
            domain=FaultDomain(kind="region", name="us-east", certain=False), seen_title="as probes see it",
            alternatives=(FaultDomain(kind="address", name="192.0.2.1"),),
            timeline=(Moment(at=NOW - NS, what="vendor_posted", text="soon"), Moment(at=NOW, what="began")),
            components=("Sign-in", "Mail"), impact="partial_outage",
            evidence=Evidence(
                failing=4, voters=5, networks=3, span_ns=0, extent=Extent(share=0.9, low=0.7, high=0.98, since=NOW)
            ),
        )
    )  # fmt: skip
    assert incident_lines(incident, NOW) == [
        "5eed-1  monitoring: a.example is out",
        "    critical; lasted 10 min; region us-east (likely); part of 5eed-0",
    ]
    assert story_lines(incident, NOW)[2:] == [
        "    probes see: as probes see it",
        "    hurts Sign-in, Mail: partial outage at its worst",
        "    seen by 4 of 5 probes",
        "    extent 90 % of vantages, likely 70-98 %",
        "    because all fail",
        "    or else address 192.0.2.1",
        "    2026-09-21T14:13:19.000Z        -1 s  vendor posted: soon",
        "    2026-09-21T14:13:20.000Z        +0 s  began",
        "    2 more had no room",
    ]
