"""Commands from a request to the board, over real sockets; and `parallax move` against them."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from collector.commands.moves import MoveStart, start_arguments
from collector.inputs import CommandInput, decode_input
from collector.tokens import add_token
from parallax.cli import parallax
from parallax.cli.move import move_lines
from parallax.clock import NS
from parallax.journal import JournalFull
from tests.collector.serving import Client, Reply, Served, collector
from tests.fakes.inputs import MemoryInputs

PLAN = """
[[check]]
name = "zone"
kind = "dns.zone"
zone = "auth.example"
"""
START = {"zone": "Auth.example.", "from": ["ns1.dns-a.example"], "to": ["NS2.dns-b.example", "ns1.dns-b.example"]}
slow = pytest.mark.slow


async def post(client: Client, token: str, path: str, body: object) -> Reply:
    return await client.request("POST", path, token=token, body=json.dumps(body).encode())


def commands(served: Served) -> list[CommandInput]:
    values = [decode_input(record) for record in served.journal.records if record.kind == "command"]
    return [value for value in values if isinstance(value, CommandInput)]


@slow
async def test_a_move_is_started_and_ended(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served, served.client() as client:
        owner = served.running.token
        reply = await post(client, owner, "/v1/moves", START)
        assert reply.status == 200
        move = reply.json["move"]
        assert (move["id"], move["kind"], move["name"], move["state"]) == (
            "move-1",
            "delegation",
            "auth.example",
            "moving",
        )
        assert (move["old"], move["new"]) == (["ns1.dns-a.example"], ["ns1.dns-b.example", "ns2.dns-b.example"])
        assert [command.word for command in commands(served)] == ["move_start"]
        assert commands(served)[0].actor == move["by"] == "local"
        again = await post(client, owner, "/v1/moves", START)
        assert again.json["move"]["id"] == "move-1"
        board = (await client.request("GET", "/v1/board", token=owner)).json
        assert [each["id"] for each in board["moves"]] == ["move-1"]
        reply = await post(client, owner, "/v1/moves/end", {"id": "move-1"})
        assert (reply.status, reply.json["move"]["state"]) == (200, "given_up")
        reply = await post(client, owner, "/v1/moves/end", {"id": "move-1"})
        assert (reply.status, reply.json["message"]) == (400, "no move 'move-1' is under way; under way: none")


@slow
async def test_only_an_owner_commands(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served, served.client() as client:
        for token, status in ((served.token(), 403), (add_token(served.state, "viewer", "vera"), 403), ("", 401)):
            for path in ("/v1/moves", "/v1/moves/end"):
                assert (await post(client, token, path, START)).status == status
        ann = add_token(served.state, "owner", "ann")
        assert (await post(client, ann, "/v1/moves", START)).json["move"]["by"] == "ann"


BAD: list[tuple[Any, str]] = [
    ({}, 'say what moves: "zone", or "name" for a chain; one of them'),
    ({"zone": "a.example", "name": "b.example", "to": ["c.example"]}, 'say what moves: "zone", or "name" for a chain'),
    ({"zone": "a.example"}, 'say where it moves to: "to" is the new NS set'),
    ({"zone": "a b.example", "to": ["c.example"]}, "\"zone\": the label 'a b' of 'a b.example' has a character"),
    (
        {"zone": "a.example", "to": ["bücher.example"]},
        "\"to\": the name 'bücher.example' is an IDN; write its A-labels",
    ),
    ({"zone": "a.example", "to": [f"n{n}.example" for n in range(33)]}, '"to" has 33 names; 32 are the most'),
    ({"zone": "a.example", "to": ["c.example"], "from": ["C.example."]}, '"from" and "to" are the same: nothing moves'),
    ({"zone": 7}, "the body is not what is wanted here: Expected `str`, got `int` - at `$.zone`"),
    ({"zoen": "a.example"}, "the body is not what is wanted here: Object contains unknown field `zoen`"),
    ([], "the body is not what is wanted here: Expected `object`, got `array`"),
]


@slow
async def test_bad_commands_are_told_why_and_change_nothing(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served, served.client() as client:
        for body, sentence in BAD:
            reply = await post(client, served.running.token, "/v1/moves", body)
            assert (reply.status, reply.json["error"]) == (400, "bad_command")
            assert reply.json["message"].startswith(sentence)
        reply = await client.request("POST", "/v1/moves", token=served.running.token, body=b"\xff" * 100)
        assert reply.status == 400
        reply = await client.request("POST", "/v1/moves", token=served.running.token, body=b" " * 30_000)
        assert reply.status == 413
        assert commands(served) == []


@slow
async def test_what_no_check_watches_does_not_move(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served, served.client() as client:
        for body, kind in (
            (START | {"zone": "b.example"}, "zone"),
            ({"name": "c.example", "to": ["d.example"]}, "chain"),
        ):
            reply = await post(client, served.running.token, "/v1/moves", body)
            name = body.get("zone") or body["name"]
            sentence = f"no probe has looked at {name} with a dns.{kind} check yet; add one to the plan"
            assert (reply.status, reply.json["message"]) == (400, sentence)


@slow
async def test_a_full_journal_takes_no_command(tmp_path: Path) -> None:
    journal = MemoryInputs()
    async with collector(tmp_path, journal, plan=PLAN) as served, served.client() as client:

        async def full() -> None:
            raise JournalFull

        journal.hold = full
        assert (await post(client, served.running.token, "/v1/moves", START)).status == 507


def test_what_goes_into_the_record() -> None:
    assert start_arguments(MoveStart(zone="A.example.", new=["N.example"])) == {
        "zone": ["a.example"],
        "from": [],
        "to": ["n.example"],
    }
    chain = start_arguments(MoveStart(name="a.example", old=["b.example", "c.example"], new=["c.example", "b.example"]))
    assert chain["to"] == ["c.example", "b.example"]


@slow
async def test_the_command_line(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served:
        state = str(served.state)

        async def run(*arguments: str) -> Result:
            return await trio.to_thread.run_sync(lambda: CliRunner().invoke(parallax, ["move", *arguments]))

        result = await run("--state", state)
        assert (result.exit_code, result.output) == (0, "no move is under way, and none ended within a day\n")
        result = await run("start", "--zone", "auth.example", "--to", "ns1.dns-b.example", "--state", state)
        assert result.exit_code == 0
        assert result.output.splitlines() == [
            "move-1  delegation of auth.example: under way for 0 s, by local",
            "    from  not known",
            "    to    ns1.dns-b.example",
            "    on it 0 of 0 servers of the parent, 0 of 0 sampled resolvers",
            "    not all of its sources have it yet; when it is through cannot be said before that",
        ]
        assert [move["id"] for move in json.loads((await run("list", "--json", "--state", state)).output)] == ["move-1"]
        assert (await run("--state", state, "list")).output.startswith("move-1  delegation of auth.example: under way")
        result = await run("start", "--zone", "a b", "--to", "x.example", "--state", state)
        assert result.exit_code == 2
        assert "has a character that no host name has" in result.output
        result = await run("end", "move-7", "--state", state)
        assert result.exit_code == 2
        assert "no move 'move-7' is under way; under way: move-1 (auth.example)" in result.output
        result = await run("end", "move-1", "--json", "--state", state)
        assert json.loads(result.output)["move"]["state"] == "given_up"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["start", "--to", "a.example"], "say what moves: --zone ZONE, or --name NAME for a chain"),
        (["start", "--zone", "a.example", "--name", "b.example", "--to", "c.example"], "say what moves"),
        (["start", "--zone", "a.example"], "Missing option '--to'"),
        (["strat"], "there is no command 'strat'; did you mean 'start'? known are end, list, start"),
    ],
)
def test_slips_on_the_command_line(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(parallax, ["move", *arguments])
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


MOVE: dict[str, Any] = {
    "id": "move-3", "kind": "delegation", "name": "auth.example", "state": "moving", "started_at": 100 * NS,
    "by": "check zone", "old": ["ns1.dns-a.example"], "new": ["ns1.dns-b.example"], "parents": [2, 2],
    "resolvers": [3, 8], "bound_at": 400 * NS, "t50_at": None, "t90_at": None, "t100_at": None, "ended_at": None,
    "words": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"t50_at": 130 * NS},
            [
                "move-3  delegation of auth.example: under way for 1 min, by check zone",
                "    on it 2 of 2 servers of the parent, 3 of 8 sampled resolvers",
                "    resolvers: half after 30 s",
                "    by the TTLs it is through within 4 min",
            ],
        ),
        (
            {"state": "stuck", "bound_at": 130 * NS, "words": ["stuck", "old_set_withdrawn_early"]},
            [
                "move-3  delegation of auth.example: STUCK for 1 min, by check zone",
                "    by the TTLs it should be through since 30 s",
                "    old set withdrawn early",
            ],
        ),
        (
            {"state": "done", "ended_at": 220 * NS, "kind": "chain"},
            [
                "move-3  chain of auth.example: through after 2 min, by check zone",
                "    on it 2 of 2 probes at the authoritative servers, 3 of 8 sampled resolvers",
            ],
        ),
    ],
)
def test_a_move_in_words(changes: dict[str, Any], lines: list[str]) -> None:
    shown = move_lines(MOVE | changes, 160 * NS)
    assert [line for line in shown if line in lines] == lines
