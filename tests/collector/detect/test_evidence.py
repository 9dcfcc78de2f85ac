"""What holds for all evidence: more of failure is never healthier, order and repeats within a batch change nothing, and
nothing that a probe sends makes detection raise."""

import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.detect import encode_state, initial, step
from collector.detect.state import State, Vote
from collector.detect.verdicts.charts import note
from collector.detect.verdicts.verdict import judge
from collector.detect.verdicts.votes import Ballot, count_of, key_id
from collector.detect.view import ProbeView
from collector.inputs import BatchInput, PlanInput, PlanStateInput, encode_input
from parallax import wire
from parallax.clock import NS
from parallax.journal import Record
from parallax.observation import Observation
from parallax.plan.source import PlanSource
from parallax.plan.types import Probe
from tests.collector.detect.scenes import STREAM, T0, fleet

WORSE = {"up": 0, "suspected": 1, "degraded": 2, "down": 3}
PLAN = fleet() + (
    '[defaults]\nperiod = "30s"\n[[check]]\nname = "api"\nkind = "http"\ntargets = ["https://a.example/"]\n'
    'external = false\n[[component]]\nname = "Sign-in"\nchecks = ["api"]\n'
)
SUBJECT = "192.0.2.1:443"

histories = st.lists(st.booleans(), min_size=1, max_size=6)
"""Of one probe: which of its runs failed, every 10 s."""


def _vote(history: list[bool], offset: int) -> Vote:
    vote = Vote(at=0)
    for place, failed in enumerate(history):
        vote.at = (place * 10 + offset) * NS
        vote.reason, vote.fault = ("connect_timeout", "target") if failed else (None, None)
        note(vote, failed=failed, at=vote.at, up=False, counted=True)
    return vote


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    words=st.lists(st.tuples(histories, st.integers(0, 9)), min_size=1, max_size=9),
    networks=st.integers(1, 9),
    before=st.sampled_from(["up", "suspected", "degraded", "down"]),
    chosen=st.integers(0, 8),
    calm=st.sampled_from([0.0, 5.0, math.inf]),
    partly_at=st.sampled_from([0, 1, 20 * NS]),
    share=st.integers(0, 4),
)
def test_more_evidence_of_failure_is_never_healthier(
    words: list[tuple[list[bool], int]],
    networks: int,
    before: Any,
    chosen: int,
    calm: float,
    partly_at: int,
    share: int,
) -> None:
    """The newest word of one more probe is a failure."""
    place = chosen % len(words)
    worse = [([*h[:-1], True], at) if n == place else (h, at) for n, (h, at) in enumerate(words)]
    states = []
    for each in (words, worse):
        ballots = [
            Ballot(
                f"p{n}", _vote(*word), ProbeView(probe=Probe(id=f"p{n}"), network=f"AS{n % networks}", access=n < share)
            )
            for n, word in enumerate(each)
        ]
        states.append(judge(count_of(ballots), before, calm=calm, partly_at=partly_at).state)
    assert WORSE[states[1]] >= WORSE[states[0]]


def _start() -> State:
    state = initial("5eed5eed5eed5eed")
    source = PlanSource({"plan.toml": PLAN})
    for value in (
        PlanInput(at=T0, digest=source.hash, hash=source.hash, files=source.files),
        PlanStateInput(at=T0, change="promoted", digest=source.hash, hash=source.hash),
    ):
        entry = encode_input(value, at_ns=T0)
        state, _ = step(state, Record(position=1, kind=entry.kind, body=entry.body, at_ns=T0, count=entry.count))
    return state


def _observation(t: int, reason: str | None, abstain: str | None, subject: str = SUBJECT) -> Observation:
    return Observation(
        probe="fra1",
        stream=STREAM,
        seq=1,
        run="0" * 16,
        dims={},
        phases=[],
        check="api",
        kind="http",
        target="https://a.example/",
        subject=subject,
        scheduled_at=T0 + t * NS,
        started_at=T0 + t * NS,
        duration_ns=NS,
        reason=reason,
        fault="target" if reason else None,
        abstain=abstain,
    )


def _say(state: State, at: int, probe: str, observations: list[Observation]) -> State:
    numbered = [msgspec.structs.replace(o, seq=n, probe=probe) for n, o in enumerate(observations, 1)]
    batch = wire.Batch(
        probe=probe,
        stream=STREAM,
        first_seq=1,
        last_seq=max(len(numbered), 1),
        cut_at=at,
        agent="test",
        observations=numbered,
    )
    body = wire.encode(batch)
    value = BatchInput(
        probe=probe,
        received_at=at,
        sent_at=at,
        round_trip=None,
        offset_ns=0,
        skewed=False,
        peer="192.0.2.99",
        missing=0,
        digest=wire.digest(body),
        content_type=wire.MSGPACK,
        encoding=wire.ZSTD,
        body=body,
    )
    entry = encode_input(value, at_ns=at)
    state, _ = step(state, Record(position=2, kind=entry.kind, body=entry.body, at_ns=at, count=entry.count))
    return state


words = st.builds(
    _observation,
    st.integers(0, 60),
    st.sampled_from([None, "connect_timeout", "http_throttled", "http_slow", "over_budget"]),
    st.sampled_from([None, None, None, "pending", "overload"]),
    st.sampled_from([SUBJECT, "192.0.2.2:443"]),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(said=st.lists(words, min_size=1, max_size=12), chance=st.randoms(use_true_random=False))
def test_order_and_repeats_within_a_batch_change_nothing(said: list[Observation], chance: Any) -> None:
    shuffled = [*said, *chance.choices(said, k=3)]
    chance.shuffle(shuffled)
    found = []
    for batch in (said, shuffled):
        state = _say(_start(), T0 + 62 * NS, "fra1", batch)
        found.append({name: key.votes for name, key in state.keys.items()})
    assert found[0] == found[1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    times=st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=6),
    span=st.integers(0, 2**62),
    reason=st.one_of(st.none(), st.text(max_size=70)),
    abstain=st.one_of(st.none(), st.text(max_size=70), st.just("pending")),
    subject=st.text(min_size=1, max_size=310),
)
def test_no_words_make_it_raise(
    times: list[int], span: int, reason: str | None, abstain: str | None, subject: str
) -> None:
    state = _start()
    for place, t in enumerate(times):
        said = msgspec.structs.replace(
            _observation(0, reason, abstain, subject),
            started_at=min(max(T0 + t * 1_000_000, 0), 2**62),
            duration_ns=span,
        )
        state = _say(state, T0 + (30 + place) * NS, "fra1", [said, msgspec.structs.replace(said, reason=None)])
    encode_state(state)


def test_late_words_are_history() -> None:
    state = _start()
    for n in range(5):
        state = _say(state, T0 + (7200 + n) * NS, "fra1", [_observation(60 + n * 30, "connect_timeout", None)])
    assert not state.keys


def test_words_from_the_future_count_from_when_they_came() -> None:
    state = _say(_start(), T0 + 60 * NS, "fra1", [_observation(9000, "connect_timeout", None)])
    key = state.keys[key_id("api", "https://a.example/", SUBJECT)]
    assert key.votes["fra1"].at == T0 + 60 * NS
    state = _say(state, T0 + 90 * NS, "fra1", [_observation(89, None, None)])
    assert key.votes["fra1"].reason is None


def test_two_words_on_one_run_are_one_and_the_failure_stands() -> None:
    state = _say(_start(), T0 + 60 * NS, "fra1", [_observation(59, None, None)])
    for _ in range(3):
        state = _say(state, T0 + 61 * NS, "fra1", [_observation(59, "connect_timeout", None)])
        state = _say(state, T0 + 61 * NS, "fra1", [_observation(59, None, None)])
    vote = state.keys[key_id("api", "https://a.example/", SUBJECT)].votes["fra1"]
    assert (vote.reason, vote.streak) == ("connect_timeout", 1)
