"""What a lost state leaves open. Pure.

A snapshot that cannot be read (another version's, say) knew incidents and risks that nobody would ever close. The
events say which: read from the first to the last, they are what people have been told.
"""

from collections.abc import Mapping

import msgspec

from collector.detect.incidents.timeline import with_moments
from collector.events import AlertRouted, Event, EventData, IncidentChanged, IncidentNoted, Moment, RiskChanged, Told

WHY = "not followed any further: detection began anew; what still fails is told again"

Last = IncidentChanged | RiskChanged | AlertRouted
Open = dict[str, Last]
"""By id, and by key of alerts: the last that was said of what is open. An alert's `to` is everybody who was told."""
_ALERT = "alert "


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
        case AlertRouted(phase="trigger" | "update" | "resolve") as data:
            _note_alert(told, data)


def endings(told: Mapping[str, Last], at: int) -> list[EventData]:
    """What closes it all, at this time: incidents and risks, and for whoever was told of something, its end."""
    ends = {key: _end(data, at) for key, data in told.items() if not isinstance(data, AlertRouted)}
    alerts = [_end_alert(data, ends.get(data.key), at) for data in told.values() if isinstance(data, AlertRouted)]
    return [*ends.values(), *alerts]


def _note_alert(told: Open, data: AlertRouted) -> None:
    key = _ALERT + data.key
    before = told.pop(key, None)
    names = before.to if isinstance(before, AlertRouted) else ()
    if data.phase == "resolve":
        names = tuple(name for name in names if name not in data.to)
    else:
        names = tuple(dict.fromkeys([*names, *data.to]))
    if names:
        told[key] = msgspec.structs.replace(data, to=names)


def _end_alert(last: AlertRouted, end: IncidentChanged | RiskChanged | None, at: int) -> AlertRouted:
    told = last.of[-1] if end is None else Told(id=f"{last.of[-1].id}-ended", at=at, data=end)
    return AlertRouted(
        key=last.key,
        about=told.type,
        phase="resolve",
        tier=last.tier,
        severity=last.severity,
        of=(told,),
        to=last.to,
        incident=last.incident,
    )


def _end(data: IncidentChanged | RiskChanged, at: int) -> IncidentChanged | RiskChanged:
    if isinstance(data, RiskChanged):
        return RiskChanged(change="cleared", risk=msgspec.structs.replace(data.risk, why=WHY))
    incident = msgspec.structs.replace(data.incident, stage="resolved", updated_at=at, resolved_at=at)
    incident = with_moments(incident, Moment(at=at, what="resolved", text=WHY))
    return IncidentChanged(change="resolved", what=WHY, incident=incident)
