"""What the collector says about itself: `GET /v1/status`. Plain values, bounded, no secrets."""

import msgspec

from collector.actions import Actions, ActionStatus
from collector.alerts import Alerts, ReceiverStatus
from collector.bodies import Room
from collector.detector import Detector
from collector.events import Severity, urgent_first
from collector.fleet import Fleet, ProbeStatus, status_of
from collector.history import History, HistoryStatus
from collector.inbox import Inbox
from collector.messages import HookStatus, MailStatus
from collector.peers import Peers, PeerStatus
from collector.plans import Plans
from collector.rollout import Rollout, Version
from collector.series.backfill import BackfillStatus
from collector.series.series import Series
from collector.series.sink_status import SinkStatus
from collector.tokens import Tokens
from parallax import __version__
from parallax.clock import NS, wall_ns
from parallax.journal import Journal

_MOST_PROBLEMS = 20
_FULL = (
    "the disk under the state folder is full, or was at the last batch: what does not fit is refused, and "
    "probes keep it; free some room on it"
)


class VersionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the plan."""

    hash: str
    loaded_s_ago: float


class PlanStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The plan in force, those to go back to (newest first), the one on trial and its canary, what is wrong with the
    files, and whether their content is refused until it changes."""

    in_force: VersionStatus | None
    previous: list[VersionStatus]
    candidate: VersionStatus | None
    canary: str | None
    refused: bool
    problems: list[str]


class JournalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A journal: `things` are observations and plan changes in `inputs`, events in `events`; `lost` counts them by
    cause."""

    records: int
    things: int
    bytes: int
    first: int
    last: int
    lost: dict[str, int]


class IncidentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An open incident in short."""

    id: str
    title: str
    severity: Severity
    started_s_ago: float


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The collector right now."""

    version: str
    up_s: float
    plan: PlanStatus
    probes: list[ProbeStatus]
    waiting: list[str]
    """Probes with a token that were never heard."""
    inputs: JournalStatus
    events: JournalStatus
    history: HistoryStatus
    refused: dict[str, int]
    """Requests refused for want of room, by cause."""
    problems: list[str]
    receivers: list[ReceiverStatus] = []
    """Of the plan in force."""
    actions: list[ActionStatus] = []
    """Of each failover group of the plan in force."""
    peer: PeerStatus | None = None
    """The other collector; None where there is none."""
    incidents: list[IncidentStatus] = []
    """Open ones, the most urgent first."""
    mail: MailStatus | None = None
    """The mail server, where there is one."""
    hooks: list[HookStatus] = []
    """Webhooks that are taken."""
    series: list[SinkStatus] = []
    """Servers of time series that are written to."""
    backfills: list[BackfillStatus] = []
    """What is, or was of late, written to them again."""


def collector_status(
    *,
    plans: Plans,
    fleet: Fleet,
    inputs: Journal,
    events: Journal,
    room: Room,
    tokens: Tokens,
    started_at: int,
    alerts: Alerts,
    history: History,
    detector: Detector,
    inbox: Inbox | None = None,
    series: Series | None = None,
    actions: Actions | None = None,
    peers: Peers | None = None,
) -> Status:
    """The status now."""
    now = wall_ns()
    full = not (inputs.stats.ballast and events.stats.ballast)
    board = detector.board()
    troubles = {probe.id: probe.why for probe in board.probes if probe.state == "unhealthy"}
    return Status(
        version=__version__,
        up_s=round((now - started_at) / NS, 1),
        plan=_plan_status(plans, plans.state, now),
        probes=status_of(fleet, now, troubles),
        waiting=sorted(tokens.probes() - fleet.members.keys()),
        inputs=_journal_status(inputs),
        events=_journal_status(events),
        history=history.status,
        refused=dict(room.refused),
        problems=[
            problem for problem in (tokens.problem, _FULL if full else None, _left_out(detector.left_out)) if problem
        ],
        receivers=alerts.status,
        actions=actions.status if actions else [],
        mail=inbox.status if inbox else None,
        hooks=inbox.hooks.status if inbox else [],
        series=series.status if series else [],
        peer=peers.status if peers else None,
        backfills=list(series.backfills) if series else [],
        incidents=[
            IncidentStatus(
                id=incident.id,
                title=incident.title,
                severity=incident.severity,
                started_s_ago=round((now - incident.started_at) / NS, 1),
            )
            for incident in urgent_first(board.incidents)
        ],
    )


def _left_out(number: int) -> str | None:
    return f"detection left {number} record{'s' * (number != 1)} out by a bug: see the log" if number else None


def _journal_status(journal: Journal) -> JournalStatus:
    stats = journal.stats
    return JournalStatus(
        records=stats.records,
        things=stats.things,
        bytes=stats.bytes,
        first=stats.first,
        last=stats.last,
        lost=dict(stats.lost),
    )


def _plan_status(plans: Plans, state: Rollout, now: int) -> PlanStatus:
    def shown(version: Version) -> VersionStatus:
        age = (now - plans.edition(version).loaded_at) / NS
        return VersionStatus(hash=version.hash, loaded_s_ago=round(age, 1))

    trial = state.candidate
    return PlanStatus(
        in_force=shown(state.in_force) if state.in_force else None,
        previous=[shown(version) for version in state.previous],
        candidate=shown(trial.version) if trial else None,
        canary=trial.canary if trial else None,
        refused=state.refused is not None,
        problems=plans.problems[:_MOST_PROBLEMS],
    )
