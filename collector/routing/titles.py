"""What a conclusion is called, in one line. Pure."""

from collector.events import Conclusion, FailoverChanged, IncidentChanged, Noticed, ReadinessChanged, RiskChanged


def title_of(data: Conclusion) -> str:
    """One line without a final stop."""
    match data:
        case IncidentChanged():
            return data.incident.title
        case RiskChanged():
            return data.risk.title
        case FailoverChanged() | ReadinessChanged() | Noticed():
            return data.title
    return data.type
