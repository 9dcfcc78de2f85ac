"""What people and other programs have to say of what is concluded: commands and facts, read from requests, written into
`inputs`, and answered once detection has taken them."""

from collector.commands.commands import MAX_BODY, CommandError, Commands
from collector.commands.failover import FailoverCommands
from collector.commands.incidents import IncidentCommands
from collector.commands.moves import MoveCommands
from collector.commands.silences import SilenceCommands

__all__ = [
    "MAX_BODY",
    "CommandError",
    "Commands",
    "FailoverCommands",
    "IncidentCommands",
    "MoveCommands",
    "SilenceCommands",
]
