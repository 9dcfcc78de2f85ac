"""What a lost state leaves open. Pure.

A snapshot that cannot be read (another version's, say) knew incidents and risks that nobody would ever close. The
events say which: read from the first to the last, they are what people have been told.
"""

from collections.abc import Mapping

import msgspec

from collector.detect.incidents.timeline import with_moments
from collector.events import Event, EventData, IncidentChanged, IncidentNoted, Moment, RiskChanged

WHY = "not followed any further: detection began anew; what still fails is told again"

Open = dict[str, IncidentChanged | RiskChanged]
"""By id: the last that was said of what is open."""


def note(told: Open, event: Event) -> None:
    """Takes one more event into account."""
    match event.data:
        case IncidentChanged() as data if data.change != "resolved":
            told[data.incident.id] = data
        case IncidentChanged() as data:
            told.pop(data.incident.id, None)
        case IncidentNoted() as data if data.incident.id in told:
            told[data.incident.id] = IncidentChanged(change="updated", what="", incident=data.incident)
        case RiskChanged() as data if data.change != "cleared":
            told[data.risk.id] = data
        case RiskChanged() as data:
            told.pop(data.risk.id, None)


def endings(told: Mapping[str, IncidentChanged | RiskChanged], at: int) -> list[EventData]:
    """What closes it all, at this time."""
    return [_end(data, at) for data in told.values()]


def _end(data: IncidentChanged | RiskChanged, at: int) -> EventData:
    if isinstance(data, RiskChanged):
        return RiskChanged(change="cleared", risk=msgspec.structs.replace(data.risk, why=WHY))
    incident = msgspec.structs.replace(data.incident, stage="resolved", updated_at=at, resolved_at=at)
    incident = with_moments(incident, Moment(at=at, what="resolved", text=WHY))
    return IncidentChanged(change="resolved", what=WHY, incident=incident)
