"""The rollout as tables: events in, changes out."""

from collections.abc import Callable
from typing import Any

import pytest

from collector.reports import Fault, Report
from collector.rollout import Event, Heard, Loaded, PartInfo, RollBack, Rollout, Tick, Version, step
from parallax.clock import NS

PERIOD = 30 * NS


def version(name: str, *fleet: str, parts: Callable[[str], str | None] | None = None) -> Version:
    """A version whose parts all change with its name, unless said otherwise."""

    def part(probe: str) -> PartInfo | None:
        if fleet and probe not in fleet:
            return None
        text = parts(probe) if parts else f"{name}/{probe}"
        return PartInfo(text, PERIOD) if text else None

    return Version(digest=f"digest-{name}", hash=f"hash-{name}", fleet=tuple(fleet), part=part)


A, B, C = version("a"), version("b"), version("c")


def loaded(v: Version, *connected: str, at: float = 0) -> Loaded:
    return Loaded(version=v, connected=connected, at=round(at * NS))


def tick(at: float, *connected: str) -> Tick:
    return Tick(connected=connected, at=round(at * NS))


def heard(probe: str, part: str, cut: float, latest: float, *faults: tuple[float, str], at: float = 0) -> Heard:
    """A batch; the times are seconds of the probe's clock, which is a day behind."""
    return Heard(
        report=Report(
            probe=probe,
            stream="",
            first_seq=1,
            last_seq=1,
            agent="",
            part=part,
            cut_at=round((cut - 86400) * NS),
            latest=round((latest - 86400) * NS),
            faults=tuple(Fault(round((when - 86400) * NS), "api", reason) for when, reason in faults),
            at=round((at or cut) * NS),
        )
    )


def run(*events: Event) -> tuple[Rollout, list[str]]:
    state, seen = Rollout(), []
    for event in events:
        state, changes = step(state, event)
        seen += [" ".join(filter(None, (c.change, c.version.hash[5:], c.canary, c.actor))) for c in changes]
    return state, seen


FIRST = (loaded(A), ["promoted a"])
ON_TRIAL = (FIRST[0], loaded(B, "fra1", "lon1"))

CASES: dict[str, tuple[list[Event], list[str]]] = {
    "the first plan goes to all at once": ([loaded(A)], ["promoted a"]),
    "a changed plan goes to the probe heard last": ([*ON_TRIAL], ["promoted a", "candidate b", "canary b fra1"]),
    "the same files again change nothing": (
        [*ON_TRIAL, loaded(B, "lon1")],
        ["promoted a", "candidate b", "canary b fra1"],
    ),
    "promoted after a full period from the first cut": (
        [*ON_TRIAL, heard("fra1", "b/fra1", 10, 9), heard("fra1", "b/fra1", 39, 39), heard("fra1", "b/fra1", 41, 40)],
        ["promoted a", "candidate b", "canary b fra1", "promoted b fra1"],
    ),
    "a moment less than a period is not enough": (
        [*ON_TRIAL, heard("fra1", "b/fra1", 10, 9), heard("fra1", "b/fra1", 41, 39.9)],
        ["promoted a", "candidate b", "canary b fra1"],
    ),
    "batches under the old part do not count": (
        [*ON_TRIAL, heard("fra1", "a/fra1", 10, 9), heard("fra1", "a/fra1", 60, 60)],
        ["promoted a", "candidate b", "canary b fra1"],
    ),
    "other probes do not count": (
        [*ON_TRIAL, heard("lon1", "b/lon1", 10, 9), heard("lon1", "b/lon1", 60, 60)],
        ["promoted a", "candidate b", "canary b fra1"],
    ),
    "unsupported refuses it": (
        [*ON_TRIAL, heard("fra1", "b/fra1", 10, 9), heard("fra1", "b/fra1", 20, 20, (15, "unsupported"))],
        ["promoted a", "candidate b", "canary b fra1", "rejected b fra1"],
    ),
    "what the old plan still brought does not refuse it": (
        [*ON_TRIAL, heard("fra1", "b/fra1", 10, 9, (9, "unsupported")), heard("fra1", "b/fra1", 20, 20, (9.5, "x"))],
        ["promoted a", "candidate b", "canary b fra1"],
    ),
    "a refused plan is not tried again until it changes": (
        [
            *ON_TRIAL,
            heard("fra1", "b/fra1", 10, 9),
            heard("fra1", "b/fra1", 20, 20, (15, "unsupported")),
            loaded(B, "fra1"),
            tick(100, "fra1"),
            loaded(C, "fra1"),
        ],
        ["promoted a", "candidate b", "canary b fra1", "rejected b fra1", "candidate c", "canary c fra1"],
    ),
    "a silent canary is replaced after two periods": (
        [*ON_TRIAL, tick(60.1, "fra1", "lon1")],
        ["promoted a", "candidate b", "canary b fra1", "canary b lon1"],
    ),
    "within two periods it is not": (
        [*ON_TRIAL, tick(60, "fra1", "lon1")],
        ["promoted a", "candidate b", "canary b fra1"],
    ),
    "a clock put back does not lengthen the wait": (
        [*ON_TRIAL, tick(-3600, "fra1", "lon1")],
        ["promoted a", "candidate b", "canary b fra1", "canary b lon1"],
    ),
    "so is one that fell silent": (
        [*ON_TRIAL, heard("fra1", "b/fra1", 10, 9, at=10), tick(69, "lon1"), tick(71, "lon1")],
        ["promoted a", "candidate b", "canary b fra1", "canary b lon1"],
    ),
    "the only probe is tried again": (
        [FIRST[0], loaded(B, "fra1"), tick(61, "fra1"), tick(100, "fra1"), tick(130, "fra1")],
        ["promoted a", "candidate b", "canary b fra1", "canary b fra1", "canary b fra1"],
    ),
    "with nobody there it waits": (
        [FIRST[0], loaded(B), tick(1), tick(2, "lon1")],
        ["promoted a", "candidate b", "canary b lon1"],
    ),
    "a newer file takes the trial over": (
        [*ON_TRIAL, loaded(C, "lon1", "fra1")],
        ["promoted a", "candidate b", "canary b fra1", "withdrawn b", "candidate c", "canary c fra1"],
    ),
    "the old file again ends the trial": (
        [*ON_TRIAL, loaded(A, "fra1")],
        ["promoted a", "candidate b", "canary b fra1", "withdrawn b"],
    ),
    "rolling back a trial ends it": (
        [*ON_TRIAL, RollBack(actor="ann", at=1), loaded(B, "fra1")],
        ["promoted a", "candidate b", "canary b fra1", "rolled_back b fra1 ann"],
    ),
    "nothing to roll back to": ([FIRST[0], RollBack(actor="ann", at=1)], ["promoted a"]),
    "no plan to roll back": ([RollBack(actor="ann", at=1)], []),
}


@pytest.mark.parametrize("name", CASES)
def test_what_comes_of_events(name: str) -> None:
    events, changes = CASES[name]
    assert run(*events)[1] == changes


def test_only_the_canary_is_served_the_candidate() -> None:
    state, _ = run(*ON_TRIAL)
    assert state.version_for("fra1") is B
    assert state.version_for("lon1") is A


def promoted(*names: str) -> list[Event]:
    """Versions that each came into force by a trial on fra1."""
    events: list[Event] = []
    for n, name in enumerate(names):
        at = 1000 * n
        events += [
            loaded(version(name), "fra1", at=at),
            heard("fra1", f"{name}/fra1", at + 10, at + 9),
            heard("fra1", f"{name}/fra1", at + 50, at + 50),
        ]
    return events


def test_rolling_back_goes_through_the_versions_and_remembers_the_file() -> None:
    state, seen = run(*promoted("a", "b", "c"), RollBack(actor="ann", at=1), loaded(C, "fra1"))
    assert seen[-2:] == ["rolled_back c ann", "promoted b ann"]
    assert state.refused == "digest-c"
    state, changes = step(state, RollBack(actor="bob", at=2))
    assert [c.version.hash for c in changes] == ["hash-b", "hash-a"]
    assert state.previous == ()


def test_the_versions_to_go_back_to_are_bounded() -> None:
    state, _ = run(*promoted(*"abcdefghij"))
    assert [v.hash for v in state.previous] == [f"hash-{name}" for name in "ihgfe"]


@pytest.mark.parametrize(
    ("new", "connected", "changes"),
    [
        (version("b", parts=lambda p: f"a/{p}"), ("fra1",), ["candidate b", "promoted b"]),
        (version("b", parts=lambda p: f"a/{p}" if p == "fra1" else "x"), ("fra1",), ["candidate b", "promoted b"]),
        (
            version("b", parts=lambda p: f"a/{p}" if p == "fra1" else "x"),
            ("fra1", "lon1"),
            ["candidate b", "canary b lon1"],
        ),
        (version("b", "lon1", parts=lambda p: f"a/{p}"), ("fra1", "lon1"), ["candidate b", "promoted b"]),
        (version("b", "new1", parts=lambda p: f"a/{p}"), ("fra1",), ["candidate b", "promoted b"]),
        (version("b", "new1"), ("fra1",), ["candidate b"]),
    ],
    ids=["no part", "not the connected one's", "another's", "a probe is gone", "same part", "only an absent one"],
)
def test_a_trial_is_only_for_probes_whose_part_changes(
    new: Version, connected: tuple[str, ...], changes: list[str]
) -> None:
    assert run(FIRST[0], loaded(new, *connected))[1][1:] == changes


def test_a_changed_comment_is_no_step_to_roll_back() -> None:
    comment: Any = Version(digest="other", hash=A.hash, fleet=(), part=A.part)
    state, seen = run(FIRST[0], loaded(comment, "fra1"))
    assert seen[-1] == "promoted a"
    assert state.in_force is comment
    assert state.previous == ()
