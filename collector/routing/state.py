"""What routing remembers, as part of detection's snapshot: fields are only ever added, with a default."""

import msgspec


class Routing(msgspec.Struct):
    """Alerts that are open, what waits to be grouped, silences."""
