"""Silences, from a request to those in force; `parallax silence` against a collector."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from collector.commands import CommandError, Commands, SilenceCommands
from collector.routing.state import MAX_SILENCES, Silence
from collector.tokens import add_token
from parallax.cli import parallax
from tests.collector.commands.test_moves import PLAN, commands, post
from tests.collector.serving import collector

KNOWN = Silence(id="s1", keys=("x",), author="ann", since=1, until=2)
BAD: list[tuple[dict[str, Any], str]] = [
    ({"for_s": 60}, 'say what is to be silent: "match", with keys as in [[route]], or "keys"'),
    ({"keys": ["i1"]}, 'say until when: "until", a time as 2026-02-10T17:35:00Z, or "for_s", seconds'),
    ({"keys": ["i1"], "for_s": -1}, "it must end in the future, and within 30 days"),
    ({"keys": ["i1"], "for_s": 31 * 86400}, "it must end in the future, and within 30 days"),
    ({"keys": ["i1"], "for_s": 1e300}, "it must end in the future, and within 30 days"),
    ({"keys": ["i1"], "until": "2026-02-10T17:35:00"}, "\"until\" is '2026-02-10T17:35:00'; write a time as"),
    ({"keys": ["i1"] * 101, "for_s": 60}, '"keys" has 101 of them; 100 are the most'),
    ({"match": {"type": ["incident.open"]}, "for_s": 60}, 'match.type.0: "incident.open" is no type of event; did you'),
    ({"match": {"who": ["a"]}, "for_s": 60}, "the body is not what is wanted here"),
]


@pytest.mark.parametrize(("body", "sentence"), BAD)
async def test_bad_silences_are_told_why(body: dict[str, Any], sentence: str) -> None:
    silences = SilenceCommands(Commands(None, None, None), lambda: (KNOWN,))  # type: ignore[arg-type]
    with pytest.raises(CommandError) as caught:
        await silences.start(json.dumps(body).encode(), "ann")
    assert str(caught.value).startswith(sentence)


async def test_there_is_an_end_to_silences() -> None:
    many = tuple(KNOWN for _ in range(MAX_SILENCES))
    silences = SilenceCommands(Commands(None, None, None), lambda: many)  # type: ignore[arg-type]
    with pytest.raises(CommandError, match="no silence 's2'; in force are s1"):
        await silences.end(b'{"id": "s2"}', "ann")
    many = tuple(Silence(id=f"s{n}", author="ann", since=1, until=2) for n in range(MAX_SILENCES))
    with pytest.raises(CommandError, match="there are 200 silences"):
        await silences.start(b'{"keys": ["i1"], "for_s": 60}', "ann")


@pytest.mark.slow
async def test_by_api_and_command_line(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served, served.client() as client:
        owner = served.running.token
        viewer = add_token(served.state, "viewer", "ann")
        assert (await post(client, viewer, "/v1/silences", {"keys": ["i1"], "for_s": 60})).status == 403
        reply = await post(client, owner, "/v1/silences", {"match": {"severity": ["critical"]}, "for_s": 60})
        assert (reply.status, reply.json["silence"]["id"], reply.json["silence"]["author"]) == (200, "s1", "local")
        listed = await client.request("GET", "/v1/silences", token=viewer)
        assert [silence["id"] for silence in listed.json["silences"]] == ["s1"]
        assert [command.word for command in commands(served)] == ["silence"]

        async def run(*arguments: str) -> Result:
            given = ["silence", "--state", str(served.state), *arguments]
            return await trio.to_thread.run_sync(lambda: CliRunner().invoke(parallax, given))

        result = await run("add", "--for", "2h", "--component", "Mail", "--key", "i1", "we", "know")
        assert (result.exit_code, result.output.splitlines()[0]) == (0, "s2  component Mail; key i1")
        assert result.output.splitlines()[1].endswith("left): we know")
        assert (await run("end", "s1")).output == "silence s1 is ended\n"
        assert (await run()).output.startswith("s2  component Mail")
        assert json.loads((await run("list", "--json")).output)["silences"][0]["id"] == "s2"
        result = await run("end", "s7")
        assert (result.exit_code, "there is no silence 's7'; in force are s2" in result.output) == (2, True)
        result = await run("add", "--for", "soon", "--key", "i1")
        assert (result.exit_code, "is no span; write 30m, 2h or 7d" in result.output) == (2, True)
