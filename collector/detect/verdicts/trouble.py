"""A subject's trouble, from its first failing run until enough passes say that it is over. Pure.

While it lasts, runs are counted (how much of it fails), and a mirror chart sums how sure it is that it is over: a pass
by ln(1/(1-share)), a failure against it by ln(share/p0). Once that is enough where nothing was concluded, what the
charts hold is from a blip, and is let go: else the next failure would meet the remains. Where it is concluded that it
is down, that the same probes fail on, or that most do, the trouble is as old as that, and runs are counted from there
on: a failure by chance, minutes before, was another.
"""

import math

from collector.detect.state import Key, Vote
from collector.detect.verdicts.charts import HARD_P1, USUAL_P0, note, note_onset, recount
from collector.detect.verdicts.users import share_of_users
from collector.detect.verdicts.verdict import WELL_NATS, Verdict, changed_at
from collector.detect.verdicts.votes import Tally, extent_of
from parallax.clock import NS

LEAST_SHARE = 0.03
MOST_CALM = 10.0
APART_NS = 5 * NS
"""What begins to fail at several probes within such a moment is one thing to the slow charts."""
SETTLED_NS, LOOK_NS = 60 * NS, 5 * NS
"""What has been down for so long is looked at so often, where words say nothing new of it."""


def hear(key: Key, vote: Vote, *, failed: bool, at: int) -> None:
    """A word that counts, of a run launched then (ns since the Unix epoch): into the vote and its subject, in place."""
    if failed and not key.trouble_at:
        key.trouble_at = at
        for each in key.votes.values():
            each.runs = each.fails = 0.0
    if failed and vote.streak <= 0 and at - key.onset_at >= APART_NS:
        key.onset_at = at
        note_onset(vote)
    note(vote, failed=failed, at=at, up=key.state == "up", counted=key.trouble_at != 0)
    if not key.trouble_at:
        return
    share = min(max(key.share, LEAST_SHARE), HARD_P1)
    if failed:
        key.calm = max(0.0, key.calm - math.log(share / USUAL_P0))
        return
    key.calm = min(key.calm - math.log(1 - share), MOST_CALM)
    if key.calm >= WELL_NATS and key.held not in ("down", "degraded"):
        _let_go(key)


def is_no_news(key: Key, vote: Vote, now: int) -> bool:
    """Whether a subject that has been down for long goes on to fail as it does: it is looked at all the same, but not
    for every word."""
    if key.state != "down" or vote.reason is None or vote.reason != key.reason or now - key.since < SETTLED_NS:
        return False
    key.due = min(key.due, now + LOOK_NS)
    return True


def settle(key: Key, count: Tally, verdict: Verdict) -> None:
    """What a verdict means for the subject's trouble. To be called before the subject takes the verdict's state on."""
    if verdict.state == "unknown":
        return
    key.may_switch = verdict.may_switch
    if verdict.state == "up" and key.held not in ("up", "suspected"):
        _let_go(key)
    if not verdict.partly:
        key.partly_at = 0
    elif not key.partly_at and count.failing:
        key.partly_at = max(ballot.vote.at for ballot in count.failing)
    turned = (verdict.state == "down" and key.held != "down") or (verdict.throttled and not key.throttled)
    turned |= verdict.because != ""
    if turned and (began := changed_at(count, verdict.because)) > key.trouble_at > 0:
        key.trouble_at = began
        for ballot in count.voters:
            recount(ballot.vote, began)
    key.extent = extent_of(count, key.trouble_at or None) if count.failing else None
    key.users = share_of_users(count, key.trouble_at) if key.extent is not None else None
    if key.extent is not None:
        key.share = max(key.share if verdict.state == "down" else 0.0, key.extent.low)


def _let_go(key: Key) -> None:
    key.trouble_at = key.partly_at = 0
    key.share = key.calm = 0.0
    for vote in key.votes.values():
        if vote.streak <= 0:
            vote.hard = vote.partial = vote.slow = vote.runs = vote.fails = 0.0
