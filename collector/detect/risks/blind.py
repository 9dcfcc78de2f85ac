"""Checks that see nothing: refused, or wrongly set up, for so long that somebody must mend the check itself. Pure.

What such a check measures may be up or down, and nobody would be told. It is a risk as long as no run gets through.
"""

from collections.abc import Iterator

from collector.detect.risks.wish import Wish
from collector.detect.state import Key, State
from collector.detect.verdicts.flows import every_ns
from collector.detect.view import View, for_check
from parallax.clock import NS
from parallax.reasons import REASONS
from parallax.spans import lasting

AT_LEAST_NS, AT_MOST_NS = 600 * NS, 3600 * NS
RUNS = 10


def blind_checks(state: State, view: View) -> Iterator[Wish]:
    """One for each check of which a subject has been blind for ten runs, ten minutes at least and an hour at most."""
    found: dict[str, list[Key]] = {}
    for key in state.keys.values():
        check = view.checks.get(key.check) if key.blind else None
        if check is not None:
            patience = min(max(RUNS * every_ns(check, key), AT_LEAST_NS), AT_MOST_NS)
            if state.now - key.blind_since >= patience:
                found.setdefault(check.name, []).append(key)
    for name, keys in found.items():
        since = min(key.blind_since for key in keys)
        known = REASONS.get(keys[0].blind)
        says = known.meaning if known else keys[0].blind
        places = list(dict.fromkeys(key.subject for key in keys))
        more = f" and {len(places) - 2} more" if len(places) > 2 else ""
        yield Wish(
            name=f"{name}\x1fblind",
            title=f"Check {name} is blind at {', '.join(places[:2])}{more}: {says}"[:200],
            check=name,
            components=for_check(view, name),
            since=since,
            why=f"no run got through for {lasting(state.now - since)}: an outage behind it would not be seen"
            + (f"; {known.look}" if known else ""),
        )
