"""What the checks that are run against members directly add to what a plan asks of others. Pure.

The owner did not write them one by one, so a limit that only they break is told of the group that makes them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from parallax.loading.convert import Fault, good, key_text
from parallax.loading.problems import shown
from parallax.plan.failover_rules import is_whole
from parallax.plan.failover_types import Failover
from parallax.plan.loads import MINUTE_S, whole_every
from parallax.plan.pinned import pinned_of
from parallax.plan.signin_specs import Budget
from parallax.plan.types import Check
from parallax.plan.vendor_limits import Placed

if TYPE_CHECKING:
    from parallax.plan.rules import Entry

_COUNT = "each is a further target of the group's checks, and with those the plan is beyond a limit"
_TOLERANCE = 1 + 1e-9


def limit_faults(
    entries: Sequence["Entry"],
    placed: list[Placed],
    beyond: Callable[[list[Placed]], Iterator[tuple[Placed, Fault]]],
) -> Iterator[tuple["Entry", Fault]]:
    """What a plan that keeps all limits by itself (`beyond` says of checks which they do not keep) breaks with the
    checks that are run against members directly. It is the groups' doing, and said of them."""
    known = {each.check.name: each for each in placed}
    checks = {name: each.check for name, each in known.items()}
    direct: list[Placed] = []
    made: dict[str, int] = defaultdict(int)
    for entry in entries:
        if isinstance(entry.value, Failover) and is_whole(entry.value):
            for own, check in pinned_of(entry.value, checks):
                direct.append(Placed(check, known[own.name].probes, entry))
                made[own.name] += 1
                if fault := _budget(own, made[own.name]):
                    yield entry, fault
    for each, fault in beyond([*placed, *direct]) if direct else ():
        whose = next((one for one in direct if set(one.check.targets) & set(each.check.targets)), direct[0])
        place = key_text(fault.path)
        yield (
            whose.entry,
            Fault(("members",), f"{_COUNT}: [[check]] {shown(each.check.name)}, {place}: {fault.message}"),
        )


def _budget(check: Check, members: int) -> Fault | None:
    """A user's or a probe's budget that a flow keeps by itself, and not with the last of so many members. A probe that
    is past it leaves runs out, of the check that users depend on, too."""
    budget, every = getattr(check.spec, "budget", None), whole_every(check)
    if not isinstance(budget, Budget) or every is None or not good(every, check.period):
        return None
    alone = MINUTE_S / max(every, check.period)
    for key in ("per_user", "per_address"):
        rate = getattr(budget, key)
        if rate is None or not good(rate):
            continue
        before, after = members * alone, (members + 1) * alone
        if before <= rate.per_minute * _TOLERANCE < after:
            return Fault(
                ("members",),
                f"{_COUNT}: [[check]] {shown(check.name)}, budget, {key}: {shown(str(rate))}, and each probe signs in "
                f"{after:.3g} times a minute; write a longer every, or a larger budget",
            )
    return None


def pair_faults(entries: Sequence["Entry"], pairs: int, most: int) -> Iterator[tuple["Entry", Fault]]:
    """A plan with so many pairs of check and target of its own that those of its groups are too many."""
    checks = {entry.value.name: entry.value for entry in entries if isinstance(entry.value, Check)}
    for entry in entries:
        if isinstance(entry.value, Failover) and is_whole(entry.value):
            before, pairs = pairs, pairs + sum(len(made.targets) for _, made in pinned_of(entry.value, checks))
            if before <= most < pairs:
                yield entry, Fault(("members",), f"brings the plan past {most} pairs of check and target")
