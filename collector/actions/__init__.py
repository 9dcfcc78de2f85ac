"""What the decisions of failover groups do: a reader of `events` that carries commands out.

`actor` is what an action is; `command` sends a signed webhook to the owner's automation, `dns_update` changes records;
`carrying` takes one command through its group's actions, `actions` is the face to the rest of the collector.
"""

from collector.actions.actions import ACTIONS, Actions, ActionStatus

__all__ = ["ACTIONS", "ActionStatus", "Actions"]
