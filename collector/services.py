"""What the routes of the API work with."""

from collections.abc import Callable

import msgspec
import trio

from collector.alerts import Alerts
from collector.asking import Asking
from collector.clients import Clients
from collector.commands import FailoverCommands, IncidentCommands, MoveCommands, SilenceCommands
from collector.fleet import Fleet
from collector.inbox import Inbox
from collector.ingest import Ingest
from collector.peer_word import PeerWord
from collector.plans import Plans
from collector.series.series import Sample, Series
from collector.status import Status
from collector.tokens import Tokens
from collector.web import View
from collector.web.charts import Charts


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes work with. `stop` is set when the collector begins to end."""

    tokens: Tokens
    ingest: Ingest
    plans: Plans
    fleet: Fleet
    status: Callable[[], Status]
    view: View
    alerts: Alerts
    stop: trio.Event
    moves: MoveCommands
    incidents: IncidentCommands
    silences: SilenceCommands
    failover: FailoverCommands
    asking: Asking
    inbox: Inbox
    series: Series
    sample: Sample
    """What is known at a moment (ns), as points of series."""
    peer_word: Callable[[], PeerWord]
    """What the other collector is told."""
    charts: Charts | None = None
    """Pictures for channels that fetch them."""
    clients: Clients | None = None
    """Client certificates of probes; None where they are not asked for any."""
