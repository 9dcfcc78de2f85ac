"""The registry of check kinds: how each gathers and judges. The plan's side of the names is parallax.plan.specs."""

from probe.checks import (
    dns,
    dns_chain,
    dns_dnssec,
    dns_mail,
    dns_parity,
    dns_resolve,
    dns_zone,
    http,
    oidc,
    signin,
    tls,
)
from probe.kind import Kind

KINDS: dict[str, Kind] = {
    "dns": Kind(run=dns.run, judge=dns.judge, prepare=dns.prepare),
    "dns.zone": Kind(
        find=dns_zone.find,
        run=dns_zone.run,
        judge=dns_zone.judge,
        judge_together=dns_zone.judge_together,
        load=dns_zone.load,
    ),
    "dns.resolve": Kind(
        find=dns_resolve.find,
        run=dns_resolve.run,
        judge=dns_resolve.judge,
        judge_together=dns_resolve.judge_together,
        load=dns_resolve.load,
    ),
    "dns.chain": Kind(find=dns_chain.find, run=dns_chain.run, judge=dns_chain.judge, load=dns_chain.load),
    "dns.parity": Kind(find=dns_parity.find, run=dns_parity.run, judge=dns_parity.judge, load=dns_parity.load),
    "dns.mail": Kind(
        find=dns_mail.find,
        run=dns_mail.run,
        judge=dns_mail.judge,
        judge_together=dns_mail.judge_together,
        load=dns_mail.load,
    ),
    "dns.dnssec": Kind(find=dns_dnssec.find, run=dns_dnssec.run, judge=dns_dnssec.judge, load=dns_dnssec.load),
    "tls": Kind(
        run=tls.run,
        judge=tls.judge,
        judge_together=tls.judge_together,
        prepare=tls.prepare,
        load=tls.load,
        repeats=lambda spec: True,
    ),
    "http": Kind(
        run=http.run,
        judge=http.judge,
        prepare=http.prepare,
        load=http.load,
        repeats=lambda spec: spec.method in ("GET", "HEAD", "OPTIONS"),
    ),
    "oidc": Kind(play=oidc.play, judge=oidc.judge, load=oidc.load),
    "signin": Kind(play=signin.play, judge=signin.judge, prepare=signin.prepare, load=signin.load),
}
