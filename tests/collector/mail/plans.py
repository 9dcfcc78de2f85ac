"""A plan whose checks wait for letters, so that its probes may read them."""

PLAN = """
[[check]]
name = "by mail"
kind = "signin"
user = { name = "synthetic-{probe}", address = "probe+{run}@mx.example" }
timeout = "50s"
period = "10m"

[[check.step]]
name = "ask"
request = { post = "https://sso.example.com/send", form = { to = "{user.address}" } }
capture = { user_id = { json = "$.id", secret = false } }

[[check.step]]
name = "mail"
mail = { within = "15s" }

[[check.step]]
name = "fixed"
mail = { to = "%s@mx.example" }

[[check.step]]
name = "sms"
sms = { to = "+1 500 555 0006" }

[[check.step]]
name = "event"
webhook = { hook = "events", where = [{ json = "$.data.id", equals = "{user_id}" }] }
"""


def plan_for(*names: str) -> str:
    """A plan that waits for mail to `probe+{run}@mx.example` and to these names there."""
    steps = "".join(
        f'\n[[check.step]]\nname = "mail-{number}"\nmail = {{ to = "{name}@mx.example" }}\n'
        for number, name in enumerate(names[1:])
    )
    return PLAN % names[0] + steps
