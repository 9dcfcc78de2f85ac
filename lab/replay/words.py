"""What was concluded, in a line. Pure."""

from collector.events import (
    ComponentChanged,
    Event,
    FailoverChanged,
    IncidentChanged,
    Noticed,
    ProbeChanged,
    ReadinessChanged,
    RiskChanged,
    Told,
)


def words_of(event: Event | Told) -> str:
    """What an event says, in a line; empty for what an incident says better."""
    data = event.data
    if isinstance(data, IncidentChanged):
        word = "" if data.what.startswith(data.incident.title) or not data.what else f" ({data.what})"
        return f"incident {data.change}: {data.incident.title}{word}"
    if isinstance(data, RiskChanged):
        return f"risk {data.change}: {data.risk.title}"
    if isinstance(data, ComponentChanged):
        return f"{data.component}: {data.state.replace('_', ' ')} ({data.why})" if data.why else ""
    if isinstance(data, ProbeChanged) and data.state != "healthy":
        return f"probe {data.probe} {data.state}: {data.why}"
    if isinstance(data, FailoverChanged):
        return f"{data.type}: {data.title}"
    if isinstance(data, ReadinessChanged):
        return data.title
    if isinstance(data, Noticed) and data.severity != "info":
        return data.title
    return ""
