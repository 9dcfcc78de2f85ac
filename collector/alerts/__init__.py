"""Alerts: a reader of `events` for each receiver; what it is told, when it is told again, and what it was told.

Routing has picked who is told what. `knowing` is what a receiver knows, so what comes next; `outcomes` what an answer
means and when it is tried again; `breaker` how much is tried at once; `wording` and `receivers` what is sent: pure.
`ahead` holds what waits for one receiver, `delivery` is its task, `names` finds it, `ledger` writes down what came of
it, `alerts` is the face to the rest of the collector.
"""

from collector.alerts.alerts import Alerts, Tested
from collector.alerts.receivers import RECEIVERS
from collector.alerts.standing import ReceiverStatus

__all__ = ["RECEIVERS", "Alerts", "ReceiverStatus", "Tested"]
