"""The incidents that come with the program, and any file: through detection and routing."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from collector.events import CheckChanged
from collector.recording import export
from lab.replay.expectations import Outcome
from lab.replay.fleet import Fleet
from lab.replay.loading import ScriptErrors, load_script
from lab.replay.playing import INCIDENTS, Performance, Piece, open_piece, perform
from parallax.clock import NS
from parallax.journal import Entry, Limits, open_journal
from parallax.values import Duration
from tests.lab.replay.scripts import fault, load, write


def cut(name: str, minutes: float, before: float = 120) -> Piece:
    """An incident's first minutes."""
    loaded = load_script(INCIDENTS / f"{name}.toml")
    script = loaded.script
    window = msgspec.structs.replace(script.window, end=script.window.start + timedelta(minutes=minutes))
    script = msgspec.structs.replace(script, window=window, before=Duration(before), after=Duration(1))
    return Piece(file=loaded.file, loaded=msgspec.structs.replace(loaded, script=script))


def by_name(performance: Performance) -> dict[str, Outcome]:
    return {outcome.name: outcome for outcome in performance.outcomes}


@pytest.mark.slow
def test_the_operator_is_named_while_caches_carry_on():
    outcomes = by_name(perform(cut("2026-02-10-dns-provider-dark", 1)))
    assert {name: each.met for name, each in outcomes.items()} == {
        "hazard_named_s": True,
        "status_post_s": True,
        "cause": True,
        "no_region_blamed": True,
        "runway_shown": True,
        "fallback_email_gap_known_before": True,
        "failover": True,
        "region_failover": True,
    }
    assert outcomes["hazard_named_s"].observed <= 20


@pytest.mark.slow
def test_a_grey_failure_is_a_full_outage_at_once():
    piece = cut("2026-02-19-grey-failure", 1)
    performance = perform(piece)
    outcomes = by_name(performance)
    assert {name: each.met for name, each in outcomes.items()} == {
        "full_outage_s": True,
        "status_post_s": True,
        "no_region_blamed": True,
        "corroborated_by": True,
        "pages": True,
        "failover": True,
    }
    begins = piece.loaded.script.window.start.timestamp() * NS
    hurt = [
        event.data
        for event in performance.played.events
        if isinstance(event.data, CheckChanged) and event.data.state == "degraded" and event.at <= begins + 20 * NS
    ]
    pinned = {f"{check} @ {member}" for check in ("api", "sign-in") for member in ("us-central", "us-east")}
    assert {each.check for each in hurt} == {"api", "keys", "sign-in"} | pinned
    for each in hurt:
        assert each.evidence.extent is not None
        assert each.evidence.extent.share >= 0.9, "over 95 % of requests are turned away, whatever failed before"
        assert each.evidence.extent.since >= begins - 30 * NS


@pytest.mark.slow
def test_a_region_that_flaps_is_seen_each_time():
    outcomes = by_name(perform(cut("2025-08-06-region-flapping", 26, before=12 * 60), seed=1))
    assert outcomes["first_down_s"].met
    assert outcomes["hazard_named_s"].met
    assert outcomes["outages_detected"].met
    assert outcomes["pages"].met, "the 429s of 02:55 are the same incident"
    assert outcomes["switchovers_max"].observed == 1, "out, and not back before it has proved well"
    assert outcomes["user_bad_minutes_max"].met


async def test_a_recording_plays_as_what_was_recorded_did(tmp_path: Path):
    script = tmp_path / "script"
    script.mkdir()
    loaded = load(script, fault("region east", "errors", "12:01:00", "12:02:00"))
    live = perform(Piece(file=loaded.file, loaded=loaded))
    fleet = Fleet(loaded, 0)
    entries = [Entry(kind=r.kind, body=r.body, at_ns=r.at_ns, count=r.count) for r in fleet]
    limits = Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)
    async with open_journal(tmp_path / "inputs.db", limits) as journal:
        await journal.append(entries)
    file = tmp_path / "mine.journal"
    export(tmp_path / "inputs.db", file)
    of_folder, of_file = perform(open_piece(tmp_path)), perform(open_piece(file))
    assert of_folder.played.events == of_file.played.events
    assert [event.type for event in of_file.played.events if event.type.startswith("incident.o")] == ["incident.opened"]
    assert of_file.outcomes == []
    assert live.played.told
    (tmp_path / "mine.toml").write_text(
        'title = "Ours"\njournal = "mine.journal"\n'
        "window = { from = 2026-03-01T12:01:00Z, to = 2026-03-01T12:02:00Z }\n"
        "[expect]\nfirst_down_s = 30\npages = 1\n"
    )
    for piece in (open_piece(file), open_piece(tmp_path / "mine.toml")):
        assert next(outcome.met for outcome in perform(piece).outcomes) is True


def test_what_is_neither_script_nor_recording_is_refused_as_a_script(tmp_path: Path):
    file = tmp_path / "x"
    file.write_bytes(b"\x00\x01")
    with pytest.raises(ScriptErrors, match="is not TOML"):
        open_piece(file)
    with pytest.raises(ScriptErrors, match="cannot be read"):
        open_piece(tmp_path / "gone.toml")


def test_a_fleet_that_heeds_asks_confirms_sooner_or_as_soon(tmp_path: Path):
    loaded = load_script(write(tmp_path, fault("region east", "errors") + "[expect]\nfirst_down_s = 60\n"))
    (outcome, *_) = perform(Piece(file=loaded.file, loaded=loaded)).outcomes
    assert outcome.met
