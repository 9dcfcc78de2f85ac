"""First-attempt availability beside that after retries, for a check as a whole, by step and by probe. Pure.

A 429 is counted apart, as `throttled`. Whether it is the target's failure depends on who asked too often. A limit that
the probe's own rate has used up shows in what it was granted just before: where it got more than QUIET_GRANTED answers
to the same question in the minute before, its own rate may be the cause, and the call is left out. Where it got no
more, the minute was quiet: whoever comes first in it gets the same, and the call counts as failed. No limit that a
vendor documents is that low. In a storm of 429 hardly anything is granted, so a storm is not taken for our own doing.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from collector.retries.attempts import Attempt
from collector.retries.policies import NONE, PATIENCES_S, tries_again
from collector.retries.replay import WINDOW_S, Stream, judge, play
from parallax.clock import NS
from parallax.plan.types import Retry

QUIET_NS = 60 * NS
QUIET_GRANTED = 2
MOST_SUBJECTS = 200
N = TypeVar("N", int, float)


class Throttling(msgspec.Struct, frozen=True, kw_only=True):
    """How often 429 came. `rate` is the share of all attempts that met the target, None of none."""

    throttled: int
    rate: float | None
    own: int
    """Calls that are left out, as this probe's own rate may be the cause."""
    retry_after: int = 0
    """Those that said how long to wait."""
    retry_after_p50_s: float | None = None
    retry_after_most_s: float | None = None


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that came to one thing, and how long they took. Side by side they show what an average hides: a service
    that refuses most at once, and is slow with the few that it takes."""

    met: str
    calls: int
    p50_ns: int
    p95_ns: int


class PolicyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy makes of the same calls, for one patience. `available` and `amplification` are intervals: unknown
    calls taken as failed, and as well; their requests at the least, and at the most. None where there was no call."""

    policy: str
    patience_s: int
    ok: int
    unknown: int
    failed: int
    available: tuple[float, float] | None
    amplification: tuple[float, float] | None
    """Requests a call."""
    p50_ns: int | None
    p95_ns: int | None
    """Time to success, of the calls that are known to be well."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one check, of one of its steps (subjects), or of one probe."""

    target: str = ""
    subject: str = ""
    probe: str = ""
    calls: int
    """First attempts that count."""
    first_ok: int
    available_first: float | None
    attempts: int
    """All that met the target, control attempts too."""
    met: dict[str, int]
    """What the calls that count came to: ok, network, timeout, 5xx, 429, 4xx, other."""
    left_out: int
    """First attempts that say nothing of the target: probe, config, blocked."""
    throttling: Throttling
    policies: tuple[PolicyFigures, ...]
    """`none` first, then by policy and patience."""
    answers: tuple[Answers, ...] = ()
    """By what came of the calls that count: ok first, then the most frequent."""

    def of(self, policy: str, patience_s: int) -> PolicyFigures:
        """One cell; `none` has the patience 0. Raises KeyError where there is no such cell."""
        for each in self.policies:
            if (each.policy, each.patience_s) == (policy, patience_s):
                return each
        raise KeyError((policy, patience_s))


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Of one check."""

    total: Figures
    by_subject: tuple[Figures, ...]
    """By target and subject, in the order in which they first came within a run."""
    by_probe: tuple[Figures, ...]
    """By probe id."""
    hidden: int = 0
    """Subjects that are left out, as there are more than MOST_SUBJECTS."""


_Key = tuple[str, str, str]


class _Sum:
    """What one line of the report adds up. Calls whose first attempt is well are the same for every policy."""

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()
        self.first_ok: list[int] = []
        self.refused: dict[str, list[int]] = defaultdict(list)
        """How long the calls took that were not well, by what came of them, ns."""
        self.attempts = self.left_out = self.own = self.throttled = 0
        self.retry_after: list[float] = []
        self.later: dict[tuple[str, int], _Later] = defaultdict(_Later)


class _Later:
    """The calls whose first attempt failed, under one policy and patience."""

    def __init__(self) -> None:
        self.took: list[int] = []
        self.unknown = self.least = self.most = 0


def report_on(attempts: Sequence[Attempt], policies: Sequence[Retry], *, window_s: float = WINDOW_S) -> Report:
    """The figures of one check's attempts; in whatever order, the same answer. Takes about 10 µs an attempt, and
    100 µs for each call that failed, a policy: it belongs into a worker thread."""
    streams: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for each in attempts:
        streams[each.target, each.subject].append(each)
    sums: dict[_Key, _Sum] = defaultdict(_Sum)
    sums["", "", ""] = _Sum()  # there is a total of nothing, too
    for (target, subject), some in streams.items():
        _add(sums, target, subject, some, policies, window_s)
    names = [policy.name for policy in policies]
    subjects = _in_order(streams)
    return Report(
        total=_figures(sums["", "", ""], names),
        by_subject=tuple(
            _figures(sums[target, subject, ""], names, target=target, subject=subject)
            for target, subject in subjects[:MOST_SUBJECTS]
        ),
        by_probe=tuple(
            _figures(sums["", "", probe], names, probe=probe) for probe in sorted({each.probe for each in attempts})
        ),
        hidden=max(len(subjects) - MOST_SUBJECTS, 0),
    )


def _in_order(streams: dict[tuple[str, str], list[Attempt]]) -> list[tuple[str, str]]:
    """Steps as they come in a run: by the place in their run at which most of them begin."""
    began: dict[tuple[str, str], int] = {}
    for some in streams.values():
        for each in some:
            began[each.probe, each.run] = min(began.get((each.probe, each.run), each.at), each.at)

    def usual(key: tuple[str, str]) -> tuple[str, int, str]:
        late = sorted(each.at - began[each.probe, each.run] for each in streams[key])
        return key[0], late[len(late) // 2], key[1]

    return sorted(streams, key=usual)


def _add(
    sums: dict[_Key, _Sum],
    target: str,
    subject: str,
    some: list[Attempt],
    policies: Sequence[Retry],
    window_s: float,
) -> None:
    stream = Stream(some)
    for each in some:
        lines = [sums[key] for key in _keys(target, subject, each.probe)]
        for line in lines:
            if each.met is None:
                line.left_out += each.attempt == 1
                continue
            line.attempts += 1
            if each.met == "429":
                line.throttled += 1
                if each.retry_after_s is not None:
                    line.retry_after.append(each.retry_after_s)
    for call in stream.calls():
        lines = [sums[key] for key in _keys(target, subject, call.probe)]
        assert call.met is not None
        if call.met == "429" and stream.granted_before(call, QUIET_NS) > QUIET_GRANTED:
            for line in lines:
                line.own += 1
            continue
        for line in lines:
            line.met[call.met] += 1
            (line.first_ok if call.met == "ok" else line.refused[call.met]).append(call.ended - call.at)
        if call.met != "ok":
            _play_all(call, stream, policies, window_s, lines)


def _play_all(call: Attempt, stream: Stream, policies: Sequence[Retry], window_s: float, lines: list[_Sum]) -> None:
    for policy in policies:
        if not tries_again(policy, call):
            continue  # as with `none`: reckoned in _policy
        tries = play(call, stream, policy, window_s=window_s)
        for patience_s in PATIENCES_S:
            came = judge(tries, patience_s)
            for line in lines:
                later = line.later[policy.name, patience_s]
                later.least += came.requests[0] - 1
                later.most += came.requests[1] - 1
                if came.ok:
                    assert came.took_ns is not None
                    later.took.append(came.took_ns)
                elif came.ok is None:
                    later.unknown += 1


def _keys(target: str, subject: str, probe: str) -> tuple[_Key, _Key, _Key]:
    return ("", "", ""), (target, subject, ""), ("", "", probe)


def _figures(line: _Sum, names: list[str], **of: str) -> Figures:
    calls, first = line.met.total(), len(line.first_ok)
    line.first_ok.sort()
    line.retry_after.sort()
    return Figures(
        **of,
        calls=calls,
        first_ok=first,
        available_first=first / calls if calls else None,
        attempts=line.attempts,
        met=dict(sorted(line.met.items())),
        left_out=line.left_out,
        throttling=Throttling(
            throttled=line.throttled,
            rate=line.throttled / line.attempts if line.attempts else None,
            own=line.own,
            retry_after=len(line.retry_after),
            retry_after_p50_s=_quantile(line.retry_after, 0.5),
            retry_after_most_s=line.retry_after[-1] if line.retry_after else None,
        ),
        policies=tuple(
            _policy(line, name, patience_s, calls)
            for name in (NONE, *names)
            for patience_s in (PATIENCES_S if name != NONE else (0,))
        ),
        answers=_answers(line),
    )


def _answers(line: _Sum) -> tuple[Answers, ...]:
    """`first_ok` is sorted by now."""
    others = sorted(line.refused.items(), key=lambda item: (-len(item[1]), item[0]))
    groups = [("ok", line.first_ok), *((met, sorted(took)) for met, took in others)]
    return tuple(
        Answers(met=met, calls=len(took), p50_ns=p50_ns, p95_ns=p95_ns)
        for met, took in groups
        if (p50_ns := _quantile(took, 0.5)) is not None and (p95_ns := _quantile(took, 0.95)) is not None
    )


def _policy(line: _Sum, name: str, patience_s: int, calls: int) -> PolicyFigures:
    later = line.later.get((name, patience_s)) or _Later()
    took = sorted([*line.first_ok, *later.took]) if later.took else line.first_ok
    ok, unknown = len(took), later.unknown
    return PolicyFigures(
        policy=name,
        patience_s=patience_s,
        ok=ok,
        unknown=unknown,
        failed=calls - ok - unknown,
        available=(ok / calls, (ok + unknown) / calls) if calls else None,
        amplification=((calls + later.least) / calls, (calls + later.most) / calls) if calls else None,
        p50_ns=_quantile(took, 0.5),
        p95_ns=_quantile(took, 0.95),
    )


def _quantile(values: Sequence[N], share: float) -> N | None:
    """The smallest of the sorted values that so large a share of them does not exceed; None of none."""
    return values[max(math.ceil(share * len(values) - 1e-9), 1) - 1] if values else None
