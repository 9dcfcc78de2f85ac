"""Letters: the mails, SMS and webhooks that sign-ins wait for. They are kept a while in memory, and handed to
the probes whose checks wait for them."""

from collector.messages.box import Asked, Box, MailStatus
from collector.messages.hooks import Hooks, HookStatus, Taken
from collector.messages.readers import may_read

__all__ = ["Asked", "Box", "HookStatus", "Hooks", "MailStatus", "Taken", "may_read"]
