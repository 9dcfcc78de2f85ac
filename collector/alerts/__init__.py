"""Alerts: a reader of `events` for each receiver; what it is told, when it is told again, and what it was told.

`routing` picks who is told what, `message` is what they get, `outcomes` what an answer means and when it is tried
again, `standard_webhooks` the signature (all pure); `webhook` sends, `ahead` holds what waits for one receiver,
`delivery` is its task, `alerts` the face to the rest of the collector.
"""

from collector.alerts.alerts import Alerts, Tested
from collector.alerts.delivery import ReceiverStatus
from collector.alerts.receivers import RECEIVERS

__all__ = ["RECEIVERS", "Alerts", "ReceiverStatus", "Tested"]
