"""What a policy would have made of one call, from the attempts that were made anyway. Pure.

Theory. Every first attempt is a call of somebody. Where it failed in a way that the policy tries again after, the
policy would have sent a retry at a moment x. Nobody did; but others were there. The evidence for x is, in this order:

1. the control attempt of the same run, where x is at most CONTROL_REACH_S from it;
2. the same probe's next attempt, where it began at most `window_s` after x;
3. any probe's next attempt within the same window.

An attempt is evidence for one try of a call at most: else one lucky answer would stand for all of them. Where there is
none, the try is unknown, and so is the call, unless a later try is known to succeed. So a share comes out as an
interval: unknown calls taken as failed, and taken as well.

It is an approximation, and errs to the good side in an outage that hits one probe alone while others are well, and to
the bad side where the one address that answers would have been tried next.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from collector.retries.attempts import Attempt
from collector.retries.policies import PATIENCES_S, tries_again, waits
from parallax.clock import NS, to_ns
from parallax.plan.types import Retry

WINDOW_S = 10.0
CONTROL_REACH_S = 5.0
MOST_TRIES = 64
"""Of one call, whatever a policy says."""


class Try(msgspec.Struct, frozen=True):
    """One request of a call. Times are ns since the call began; `ok` is None where nobody knows."""

    began_ns: int
    ended_ns: int
    ok: bool | None


class Call(msgspec.Struct, frozen=True):
    """What became of a call for somebody of some patience. `ok` is None where nobody knows; `took_ns` is there where it
    is well. `requests` are the least and the most that were sent for it."""

    ok: bool | None
    took_ns: int | None
    requests: tuple[int, int]


class Stream:
    """The attempts at one thing (a target's subject), by time."""

    def __init__(self, attempts: Iterable[Attempt]) -> None:
        self.attempts = sorted(
            (each for each in attempts if each.met is not None),
            key=lambda each: (each.at, each.probe, each.run, each.attempt),
        )
        self._times = [each.at for each in self.attempts]
        self._by_probe: dict[str, tuple[list[int], list[Attempt]]] = {}
        self._controls: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
        for each in self.attempts:
            times, own = self._by_probe.setdefault(each.probe, ([], []))
            times.append(each.at)
            own.append(each)
            if each.attempt > 1:
                self._controls[each.probe, each.run].append(each)

    def calls(self) -> Iterator[Attempt]:
        """The first attempts, by time."""
        return (each for each in self.attempts if each.attempt == 1)

    def granted_before(self, call: Attempt, within_ns: int) -> int:
        """How often the same probe had asked the same thing in the time before, and got something else than a 429."""
        times, own = self._by_probe[call.probe]
        before = own[bisect_left(times, call.at - within_ns) : bisect_left(times, call.at)]
        return sum(each.met != "429" for each in before)

    def evidence(self, call: Attempt, at: int, used: list[Attempt], window_ns: int) -> Attempt | None:
        """What stands for a request that was sent at this moment."""
        for control in self._controls.get((call.probe, call.run), ()):
            if abs(control.at - at) <= CONTROL_REACH_S * NS and not _in(used, control):
                return control
        times, own = self._by_probe[call.probe]
        return _next(own, times, at, window_ns, call, used) or _next(
            self.attempts, self._times, at, window_ns, call, used
        )


def play(call: Attempt, stream: Stream, policy: Retry, *, window_s: float = WINDOW_S) -> list[Try]:
    """The requests of one call under a policy, as far as the longest patience goes. The first is the call itself."""
    tries = [Try(0, call.ended - call.at, call.met == "ok")]
    last, used = call, [call]
    longest_ns = min(PATIENCES_S[-1] * NS, to_ns(policy.give_up))
    waiting = waits(policy)
    most = min(policy.tries or MOST_TRIES, MOST_TRIES)
    while not tries[-1].ok and len(tries) < most and tries_again(policy, last):
        wait_s = next(waiting)
        if tries[-1].ok is not None and last.met in policy.retry_after and last.retry_after_s is not None:
            wait_s = max(last.retry_after_s, 0.0)
        if wait_s > PATIENCES_S[-1]:
            break
        began = tries[-1].ended_ns + to_ns(wait_s)
        if began > longest_ns:
            break
        found = stream.evidence(call, call.at + began, used, to_ns(window_s))
        if found is None:  # it may have failed as the one before did; so the policy goes on as it would then
            tries.append(Try(began, began, None))
            continue
        used.append(found)
        last = found
        tries.append(Try(began, began + found.ended - found.at, found.met == "ok"))
    return tries


def judge(tries: list[Try], patience_s: float) -> Call:
    """The call for somebody who waits so long for retries. A first attempt that is well was waited for in any case."""
    patience_ns = to_ns(patience_s)
    unknown_at: int | None = None
    sent = 0
    for number, each in enumerate(tries, 1):
        if number > 1 and each.began_ns > patience_ns:
            break
        sent = number
        if each.ok and (number == 1 or each.ended_ns <= patience_ns):
            return Call(True, each.ended_ns, (unknown_at or number, number))
        if each.ok is None and unknown_at is None:
            unknown_at = number
    if unknown_at is not None:
        return Call(None, None, (unknown_at, sent))
    return Call(False, None, (sent, sent))


def _next(
    attempts: list[Attempt], times: list[int], at: int, window_ns: int, call: Attempt, used: list[Attempt]
) -> Attempt | None:
    for place in range(bisect_left(times, at), len(attempts)):
        found = attempts[place]
        if found.at > at + window_ns:
            return None
        if (found.run != call.run or found.probe != call.probe) and not _in(used, found):
            return found
    return None


def _in(used: list[Attempt], one: Attempt) -> bool:
    return any(each is one for each in used)
