"""The board: everything that is known right now, as plain values. The page, the terminal and the API show it.

It is made from detection's state by a pure function (`collector.detect.board`), never kept. Times are wall clock, ns
since the Unix epoch, UTC.
"""

import msgspec

from collector.board.certificates import CertificateBoard, LeafBoard
from collector.board.checks import CheckBoard, ComponentBoard, Latest, SubjectBoard
from collector.board.groups import (
    ActionBoard,
    BackBoard,
    FrozenBoard,
    GroupBoard,
    MemberBoard,
    SpokenBoard,
    StandbyFactBoard,
    SwitchBoard,
)
from collector.board.probes import ProbeBoard, ProbeState
from collector.board.sites import CatchmentBoard, Caught, SiteBoard
from collector.board.zones import ChainBoard, FallbackBoard, Gap, HopBoard, MoveBoard, MoveState
from collector.events import Incident, Risk

__all__ = [
    "ActionBoard",
    "BackBoard",
    "Board",
    "CatchmentBoard",
    "Caught",
    "CertificateBoard",
    "ChainBoard",
    "CheckBoard",
    "ComponentBoard",
    "FallbackBoard",
    "FrozenBoard",
    "Gap",
    "GroupBoard",
    "HopBoard",
    "Latest",
    "LeafBoard",
    "MemberBoard",
    "MoveBoard",
    "MoveState",
    "ProbeBoard",
    "ProbeState",
    "SiteBoard",
    "SpokenBoard",
    "StandbyFactBoard",
    "SubjectBoard",
    "SwitchBoard",
]


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment. `position` is the last record of `inputs` that it knows."""

    at: int
    position: int
    components: tuple[ComponentBoard, ...] = ()
    """In the plan's order, as are checks and probes."""
    checks: tuple[CheckBoard, ...] = ()
    probes: tuple[ProbeBoard, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """Open ones, the newest first."""
    watched: tuple[Incident, ...] = ()
    """Over as far as probes see, and not resolved yet; the last to end first."""
    risks: tuple[Risk, ...] = ()
    fallbacks: tuple[FallbackBoard, ...] = ()
    chains: tuple[ChainBoard, ...] = ()
    moves: tuple[MoveBoard, ...] = ()
    """Under way, and those that ended of late, the newest first."""
    catchments: tuple[CatchmentBoard, ...] = ()
    certificates: tuple[CertificateBoard, ...] = ()
    groups: tuple[GroupBoard, ...] = ()
    """Failover groups, in the plan's order."""
