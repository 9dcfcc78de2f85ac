"""The timeline of an incident: what happened when, by the machine's eyes and in people's words. Pure, and bounded.

What people wrote is never left out for the machine's sake: each has its own bound. Of what the machine saw, the first
moments stay, and of the rest the oldest go.
"""

import msgspec

from collector.events import FaultDomain, Incident, Moment

MAX_HUMAN = 50
"""Moments with an actor; past it a person is told so."""
MAX_MACHINE = 50
"""Moments without; past it the oldest go, but for the first."""
FIRST = 5
MAX_TEXT = 500
"""Characters of what a moment says."""


def with_moments(incident: Incident, *moments: Moment) -> Incident:
    """The incident with these on its timeline, in the order of their times; counted where there is no room."""
    human = [moment for moment in incident.timeline if moment.actor]
    machine = [moment for moment in incident.timeline if not moment.actor]
    left_out = incident.left_out
    for moment in moments:
        cut = msgspec.structs.replace(moment, text=moment.text[:MAX_TEXT])
        if not moment.actor:
            machine.append(cut)
        elif len(human) < MAX_HUMAN:
            human.append(cut)
        else:
            left_out += 1
    machine.sort(key=_at)
    if len(machine) > MAX_MACHINE:
        left_out += len(machine) - MAX_MACHINE
        machine = machine[:FIRST] + machine[FIRST - MAX_MACHINE :]
    timeline = tuple(sorted([*machine, *human], key=_at))
    return msgspec.structs.replace(incident, timeline=timeline, left_out=left_out)


def named(incident: Incident, title: str, domain: FaultDomain | None) -> Incident:
    """The incident under the machine's title and domain, or a person's where there is one, with the machine's own
    beside them."""
    human = incident.human
    return msgspec.structs.replace(
        incident,
        title=human.title or title,
        seen_title=title if human.title else "",
        domain=human.domain or domain,
        seen_domain=domain if human.domain is not None else None,
    )


def has_room(incident: Incident) -> bool:
    """Whether a person can add to it."""
    return sum(bool(moment.actor) for moment in incident.timeline) < MAX_HUMAN


def _at(moment: Moment) -> int:
    return moment.at
