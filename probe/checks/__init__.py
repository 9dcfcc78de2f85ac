"""The registry of check kinds: how each gathers and judges. The plan's side of the names is parallax.plan.specs."""

from probe.checks import dns, http, tls
from probe.checks.kind import Kind

KINDS: dict[str, Kind] = {
    "dns": Kind(run=dns.run, judge=dns.judge, prepare=dns.prepare),
    "tls": Kind(run=tls.run, judge=tls.judge, prepare=tls.prepare, load=tls.load),
    "http": Kind(run=http.run, judge=http.judge, prepare=http.prepare, load=http.load),
}
