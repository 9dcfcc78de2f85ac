"""All dashboards, as JSON. No network; the same source gives the same octets."""

import json
from collections.abc import Callable
from typing import Any

from dashboards.anycast import anycast
from dashboards.authoritative import authoritative
from dashboards.certificates import tls
from dashboards.failover import failover
from dashboards.influxql import register
from dashboards.overview import overview
from dashboards.probes import probes
from dashboards.resolvers import resolvers
from dashboards.sdk import JSONEncoder, dashboard
from dashboards.signin import signin

DASHBOARDS: dict[str, Callable[[], dashboard.Dashboard]] = {
    "overview": overview,
    "authoritative": authoritative,
    "resolvers": resolvers,
    "tls": tls,
    "signin": signin,
    "failover": failover,
    "anycast": anycast,
    "probes": probes,
}
"""By uid, without the prefix."""


def plain(value: object) -> Any:
    """What the SDK made, as plain values."""
    return json.loads(json.dumps(value, cls=JSONEncoder))


def to_text(value: object) -> str:
    """Sorted JSON with a final newline."""
    return json.dumps(value, cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def built() -> dict[str, dict[str, Any]]:
    """Every dashboard by its name in DASHBOARDS, as plain values."""
    register()
    return {name: plain(make()) for name, make in DASHBOARDS.items()}
