"""Receivers that people are told by, of all there are. Pure."""

import msgspec

from parallax.plan.receivers import HEARTBEAT
from parallax.plan.types import Plan


def people_of(plan: Plan) -> Plan:
    """The plan without the receivers that nobody is told by."""
    people = [receiver for receiver in plan.receiver if receiver.kind != HEARTBEAT]
    return plan if len(people) == len(plan.receiver) else msgspec.structs.replace(plan, receiver=people)
