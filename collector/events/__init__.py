"""The records of the journal `events`: what detection concluded, in the order it was concluded.

Everything that a person is told comes from here: alerts, the page, the history of incidents. Each record's body is a
JSON object (few, and worth reading with a pager); fields are only ever added, with a default. Times are wall clock, ns
since the Unix epoch, UTC.
"""

from collector.events.alert import AlertPhase, AlertRouted, Conclusion, Lane, Suppressed, SuppressedBy, Tier, Told
from collector.events.changes import (
    CheckChanged,
    ComponentChanged,
    IncidentChanged,
    IncidentNoted,
    Noticed,
    ProbeChanged,
    RiskChanged,
)
from collector.events.event import VERSION, Event, EventData, EventError, decode_event, encode_event
from collector.events.evidence import CheckState, Evidence, Extent
from collector.events.failover import FailoverChanged, ReadinessChanged, RuleOutcome, SafetyRule
from collector.events.incident import (
    Affected,
    ComponentState,
    Human,
    Incident,
    Moment,
    MomentWord,
    Severity,
    Stage,
    urgent_first,
)
from collector.events.places import FaultDomain
from collector.events.risk import Held, Risk, Runway
from parallax.event_words import DomainKind, FailoverWord, NoticeWord

__all__ = [
    "VERSION",
    "Affected",
    "AlertPhase",
    "AlertRouted",
    "CheckChanged",
    "CheckState",
    "ComponentChanged",
    "ComponentState",
    "Conclusion",
    "DomainKind",
    "Event",
    "EventData",
    "EventError",
    "Evidence",
    "Extent",
    "FailoverChanged",
    "FailoverWord",
    "FaultDomain",
    "Held",
    "Human",
    "Incident",
    "IncidentChanged",
    "IncidentNoted",
    "Lane",
    "Moment",
    "MomentWord",
    "NoticeWord",
    "Noticed",
    "ProbeChanged",
    "ReadinessChanged",
    "Risk",
    "RiskChanged",
    "RuleOutcome",
    "Runway",
    "SafetyRule",
    "Severity",
    "Stage",
    "Suppressed",
    "SuppressedBy",
    "Tier",
    "Told",
    "decode_event",
    "encode_event",
    "urgent_first",
]
