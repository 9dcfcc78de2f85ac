"""Alerts: a reader of `events` for each receiver; what it is told, when it is told again, and what it was told."""

from collector.alerts.alerts import Alerts, ReceiverStatus

__all__ = ["Alerts", "ReceiverStatus"]
