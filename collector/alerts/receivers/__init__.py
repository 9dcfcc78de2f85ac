"""The kinds of receivers: each makes words into what its vendor takes (pure), and shares the way there.

A kind that takes one POST is a module with a `KIND` and a line below; what the plan must say for it stands in
parallax.plan.receivers.
"""

from functools import partial

from collector.alerts.receivers import alertmanager, discord, grafana_irm, heartbeat, ntfy, pagerduty, slack, teams
from collector.alerts.receivers.mail import Mail
from collector.alerts.receivers.posting import Posted
from collector.alerts.sender import MakeSender
from collector.alerts.webhook import Webhook

RECEIVERS: dict[str, MakeSender] = {
    "webhook": Webhook,
    "pagerduty": partial(Posted, pagerduty.KIND),
    "alertmanager": partial(Posted, alertmanager.KIND),
    "alertmanager-webhook": partial(Posted, alertmanager.WEBHOOK_KIND),
    "slack": partial(Posted, slack.KIND),
    "discord": partial(Posted, discord.KIND),
    "teams": partial(Posted, teams.KIND),
    "grafana-irm": partial(Posted, grafana_irm.KIND),
    "ntfy": partial(Posted, ntfy.KIND),
    "email": Mail,
    "heartbeat": partial(Posted, heartbeat.KIND),
}
"""By kind: how it delivers."""
