"""What is known now, as points: the board, and how the collector itself is. Pure.

`GET /metrics` and the servers of series get the same ones. They fill the lines of a dashboard between the events, where
nothing turns for hours.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from collector.alerts.standing import ReceiverStatus
from collector.board import Board, MoveBoard
from collector.series.annotations import check_point, component_point, member_point
from collector.series.sink_status import SinkStatus
from collector.status import Status
from parallax import points
from parallax.clock import NS
from parallax.exposition import Point

SEVERITIES = ("critical", "warning", "info")


def board_points(board: Board, at: int) -> Iterator[Point]:
    """The board as of `at`."""
    for component in board.components:
        yield component_point(at, component.name, component.state)
    for check in board.checks:
        for subject in check.subjects:
            yield check_point(
                at, check.name, check.kind, subject.target, subject.subject, subject.state,
                subject.evidence.failing, subject.evidence.voters,
            )  # fmt: skip
    for probe in board.probes:
        latitude, longitude = probe.location or (None, None)
        yield Point(
            of=points.PROBE_STATE,
            at=at,
            tags={"probe": probe.id},
            fields={
                "state": points.PROBE_STATES[probe.state],
                "lag_seconds": probe.lag_s,
                "latitude": latitude,
                "longitude": longitude,
            },
        )
        yield Point(
            of=points.VANTAGE,
            at=at,
            tags={
                "probe": probe.id,
                "region": probe.region,
                "provider": probe.provider,
                "asn": "" if probe.asn is None else str(probe.asn),
                "network": probe.network,
            },
            fields={"known": 1},
        )
    number: Counter[str] = Counter(incident.severity for incident in board.incidents)
    for severity in SEVERITIES:
        yield Point(of=points.INCIDENTS, at=at, tags={"severity": severity}, fields={"open": number[severity]})
    for group in board.groups:
        for member in group.members:
            yield member_point(at, group.name, member.name, serving=member.serves, ready=member.ready)
    yield from _dns_points(board, at)
    yield from _catchment_points(board, at)


def collector_points(
    status: Status, sinks: Sequence[SinkStatus], receivers: Iterable[ReceiverStatus], detection_behind: int, at: int
) -> Iterator[Point]:
    """The collector itself."""
    yield Point(
        of=points.COLLECTOR,
        at=at,
        fields={
            "up_seconds": status.up_s,
            "inputs_records": status.inputs.records,
            "inputs_bytes": status.inputs.bytes,
            "inputs_lost": sum(status.inputs.lost.values()),
            "events_records": status.events.records,
            "events_bytes": status.events.bytes,
            "detection_behind": detection_behind,
            "history_behind": status.history.inputs.behind,
            "refused": sum(status.refused.values()),
            "probes_connected": sum(probe.connected for probe in status.probes),
            "observations": sum(probe.observations for probe in status.probes),
        },
    )
    for receiver in receivers:
        yield Point(
            of=points.RECEIVER,
            at=at,
            tags={"receiver": receiver.name},
            fields={"waiting": receiver.waiting, "delivered": receiver.delivered, "given_up": receiver.given_up},
        )
    for sink in sinks:
        yield Point(
            of=points.SINK,
            at=at,
            tags={"sink": sink.name},
            fields={
                "behind": sink.behind,
                "written": sink.written,
                "rejected": sink.rejected,
                "failing": int(sink.problem is not None),
            },
        )


def _dns_points(board: Board, at: int) -> Iterator[Point]:
    for fallback in board.fallbacks:
        yield Point(
            of=points.FALLBACK,
            at=at,
            tags={"check": fallback.check, "zone": fallback.zone, "operator": fallback.fallback},
            fields={
                "ready": -1 if fallback.ready is None else int(fallback.ready),
                "serves": int(fallback.serves),
                "compared": fallback.compared,
                "gaps": len(fallback.gaps),
            },
        )
    for risk in board.risks:
        if (runway := risk.runway) is not None:
            yield Point(
                of=points.RUNWAY,
                at=at,
                tags={"check": risk.check},
                fields={
                    "earliest_seconds": _until(runway.earliest_at, at),
                    "latest_seconds": _until(runway.latest_at, at),
                    "sampled": runway.sampled,
                    "expired": runway.expired,
                    "stale": runway.stale,
                },
            )
    latest: dict[tuple[str, str], MoveBoard] = {}
    for move in board.moves:  # the newest first
        latest.setdefault((move.kind, move.name), move)
    for move in latest.values():
        yield Point(
            of=points.MOVE,
            at=at,
            tags={"kind": move.kind, "zone": move.name},
            fields={"parents_share": _share(move.parents), "resolvers_share": _share(move.resolvers)},
        )


def _catchment_points(board: Board, at: int) -> Iterator[Point]:
    where = {probe.id: probe.location for probe in board.probes}
    for catchment in board.catchments:
        for caught in catchment.caught:
            latitude, longitude = where.get(caught.probe) or (None, None)
            yield Point(
                of=points.CATCHMENT,
                at=at,
                tags={
                    "probe": caught.probe,
                    "address": catchment.address,
                    "operator": catchment.operator,
                    "site": caught.site,
                },
                fields={
                    "rtt_seconds": None if caught.rtt_ns is None else caught.rtt_ns / NS,
                    "changes": caught.changes,
                    "remote": int(caught.remote),
                    "latitude": latitude,
                    "longitude": longitude,
                },
            )


def _until(then: int | None, at: int) -> float | None:
    return None if then is None else round((then - at) / NS, 3)


def _share(counts: tuple[int, int]) -> float | None:
    have, of = counts
    return have / of if of else None
