"""The lines of `parallax up`."""

from typing import Any

from parallax.cli import changes
from parallax.cli.changes import MAX_SUBJECTS, Changes, lasting, plain
from parallax.clock import NS
from parallax.observation import Observation


def seen(at_s: int = 0, reason: str | None = None, **more: Any) -> Observation:
    fields: dict[str, Any] = {
        "probe": "local",
        "stream": "0" * 16,
        "seq": 1,
        "run": "ab" * 8,
        "check": "front door",
        "kind": "tls",
        "target": "shop.example:443",
        "subject": "192.0.2.1:443",
        "dims": {},
        "scheduled_at": at_s * NS,
        "started_at": at_s * NS,
        "duration_ns": 1,
        "phases": [],
        "reason": reason,
        "fault": "target" if reason else None,
    }
    return Observation(**(fields | more))


def test_a_line_when_a_subject_turns_and_none_while_it_stays():
    ledger = Changes()
    assert ledger.take(seen(0)) is None
    assert ledger.take(seen(30)) is None
    broke = ledger.take(seen(60, "connect_refused"))
    assert broke is not None
    assert (broke.grade, broke.reason, broke.lasted_ns) == ("failed", "connect_refused", 60 * NS)
    assert str(broke).startswith(
        "failed    front door  shop.example:443 at 192.0.2.1:443  nothing listens on the port (connect_refused)"
    )
    assert ledger.take(seen(90, "connect_timeout")) is None
    mended = ledger.take(seen(360))
    assert mended is not None
    assert str(mended) == "ok        front door  shop.example:443 at 192.0.2.1:443  again, after 5 min"
    assert ledger.take(seen(390)) is None


def test_what_is_broken_at_first_sight_is_said():
    change = Changes().take(seen(0, "tls_expired"))
    assert change is not None
    assert change.lasted_ns is None


def test_two_targets_at_one_address_are_told_apart():
    ledger = Changes()
    first = ledger.take(seen(0, "tls_wrong_name", target="a.example"))
    second = ledger.take(seen(0, "tls_wrong_name", target="b.example"))
    assert "front door  a.example at 192.0.2.1:443  " in str(first)
    assert "front door  b.example at 192.0.2.1:443  " in str(second)


def test_a_target_that_is_its_own_subject_is_named_once():
    change = Changes().take(seen(0, "connect_refused", target="192.0.2.1:443"))
    assert str(change).count("192.0.2.1:443") == 1


def test_what_up_does_not_dial_says_how_to_allow_it():
    change = Changes().take(seen(0, "address_not_allowed", fault="config"))
    assert str(change).startswith("config    front door")
    assert str(change).endswith("--allow NETWORK")


def test_subjects_are_kept_apart():
    ledger = Changes()
    ledger.take(seen(0, "connect_refused"))
    assert ledger.take(seen(0, "connect_refused", subject="192.0.2.2:443")) is not None
    assert ledger.take(seen(0, "connect_refused", check="other")) is not None
    assert ledger.take(seen(1, "connect_refused")) is None


def test_abstentions_change_nothing_but_are_counted():
    ledger = Changes()
    ledger.take(seen(0))
    assert ledger.take(seen(30, "connect_timeout", abstain="uplink_v4")) is None
    summary = ledger.summary()
    assert str(summary) == "1 ok; 2 observations, 1 of them abstain"


def test_the_probes_own_statistics_are_no_subject():
    ledger = Changes()
    assert ledger.take(seen(0, "probe_error", kind="probe.health")) is None
    assert str(ledger.summary()) == "nothing measured yet; 0 observations"


def test_the_summary_counts_anew():
    ledger = Changes()
    ledger.take(seen(0, "connect_refused"))
    ledger.take(seen(0, subject="192.0.2.2:443"))
    assert plain(ledger.summary()) == {
        "what": "summary",
        "subjects": {"failed": 1, "ok": 1},
        "observations": 2,
        "abstained": 0,
    }
    assert ledger.summary().observations == 0


def test_memory_is_bounded_whatever_the_subjects():
    ledger = Changes()
    for number in range(MAX_SUBJECTS + 10):
        ledger.take(seen(0, subject=f"s{number}"))
    assert sum(ledger.summary().subjects.values()) == changes.MAX_SUBJECTS


def test_spans_for_people():
    assert [lasting(s * NS) for s in (0, 59, 119, 120, 7199, 7200, 90_000)] == [
        "0 s", "59 s", "119 s", "2 min", "120 min", "2.0 h", "25.0 h",
    ]  # fmt: skip
