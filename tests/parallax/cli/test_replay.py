"""`parallax replay` and `parallax journal`: what they print, and their exit status."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lab.replay.fleet import Fleet
from parallax.cli import parallax
from parallax.journal import Entry, Limits, open_journal
from tests.lab.replay.scripts import WORLD, fault, load, write

SHORT = WORLD.replace("T12:03:00Z }", "T12:00:40Z }")
DOWN = fault("region east", "errors", end="12:00:40") + "[expect]\nfirst_down_s = {limit}\n"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(parallax, [str(each) for each in arguments])


def script(folder: Path, limit: float) -> Path:
    return write(folder, DOWN.format(limit=limit), world=SHORT)


def test_met_is_status_0_and_the_timeline_is_shown(tmp_path: Path):
    more = DOWN.format(limit=30) + '[[fact]]\nat = 2026-03-01T12:00:00Z\nwhat = "the east fails"\n'
    result = call("replay", write(tmp_path, more, world=SHORT))
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "A test"
    assert any(line.startswith("12:00:00 +0 s the east fails") for line in lines)
    assert any("incident opened: Region east is down" in line for line in lines), result.stdout
    assert any(line.startswith("met first_down_s 30") for line in lines)


def test_missed_is_status_1(tmp_path: Path):
    result = call("replay", script(tmp_path, 0.5), "--json")
    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    assert [(each["name"], each["met"]) for each in shown["expectations"]] == [
        ("first_down_s", False),
    ]
    assert {event["type"] for event in shown["events"]} >= {"check.down", "incident.opened"}


def test_several_seeds_are_one_verdict(tmp_path: Path):
    result = call("replay", script(tmp_path, 30), "--seeds", 2, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["expectations"][0]["observed"].startswith("2 of 2 seeds; median ")
    assert (found["seeds"], bool(found["events"])) == ([0, 1], True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["gone.toml"],
            "gone.toml: there is no such file; incidents that come with this program: 2025-08-06-region-fl",
        ),
        (["{file}", "--watch", "--json"], "--watch shows one seed on the page; leave out --json and --seeds"),
        (["{bad}"], "bad.toml:1: titel: unknown key"),
        (["{folder}"], "there is no journal of a collector (inputs.db); name the collector's state folder"),
    ],
)
def test_usage_is_status_2(arguments: list[str], says: str, tmp_path: Path):
    (tmp_path / "bad.toml").write_text("titel = 1\n")
    places = {"file": script(tmp_path, 30), "bad": tmp_path / "bad.toml", "folder": tmp_path}
    result = call("replay", *(each.format(**places) for each in arguments))
    assert result.exit_code == 2
    assert says in result.stderr


async def _keep(state: Path) -> None:
    state.mkdir()
    (state / "script").mkdir()
    records = list(Fleet(load(state / "script", fault("region east", "errors"), world=SHORT), 0))
    entries = [Entry(kind=r.kind, body=r.body, at_ns=r.at_ns, count=r.count) for r in records]
    async with open_journal(state / "inputs.db", Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)) as journal:
        await journal.append(entries)


def test_a_journal_goes_out_and_in_and_plays(tmp_path: Path):
    import trio

    trio.run(_keep, tmp_path / "state")
    file = tmp_path / "outage.journal"
    done = call("journal", "export", tmp_path / "state", file)
    assert done.exit_code == 0, done.output
    assert "observations, from 2026-03-01T11:59:00.000Z to 2026-03-01T12:00:4" in done.stdout
    part = call(
        "journal",
        "export",
        tmp_path / "state",
        tmp_path / "p",
        "--from",
        "2026-03-01T12:00:10Z",
        "--to",
        "2026-03-01T12:00:20",
        "--json",
    )
    assert part.exit_code == 0
    assert 10 < json.loads(part.stdout)["records"] < 60
    assert call("replay", file).exit_code == 0
    assert "incident opened" in " ".join(call("replay", file).stdout.split())
    assert call("journal", "import", file, tmp_path / "copy").exit_code == 0
    copy = json.loads(call("replay", tmp_path / "copy", "--json").stdout)
    assert copy["events"] == json.loads(call("replay", tmp_path / "state", "--json").stdout)["events"]
    for arguments, says in (
        (("export", tmp_path / "state", file), "is there already; name another file, or take it away"),
        (("import", file, tmp_path / "copy"), "is there already, and stays; name another folder"),
        (("import", tmp_path / "state" / "inputs.db", tmp_path / "new"), "it is damaged, or no recording"),
        (("export", tmp_path / "state", tmp_path / "q", "--from", "noon"), "'noon' is no time; write one like"),
        (
            ("export", tmp_path / "state", tmp_path / "q", "--from", "2026-03-02", "--to", "2026-03-01"),
            "--from is after --to",
        ),
    ):
        result = call("journal", *arguments)
        assert result.exit_code == 2
        assert says in result.stderr
    assert call("replay", file, "--seeds", 3).exit_code == 2
