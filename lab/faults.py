"""The faults that the lab can inject. The literal is the list: the page's buttons, `parallax lab`, docs/lab.md and the
measurements iterate over it."""

from typing import Literal

import msgspec


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """`title` is what a button says, `does` what really happens, `expect` what Parallax should say of it."""

    title: str
    does: str
    expect: str
    where: Literal["world", "probes"] = "world"
    """Which process carries it out."""
    remedy: bool = False
    """It is no fault, but what people do against one."""
    incident: bool = True
    """Whether an incident is what it is; else a notice says it, or the end of a risk."""
    domains: tuple[str, ...] = ()
    """Fault domains that are right, any of them; * stands for anything."""
    says: tuple[str, ...] = ()
    """Where it is no incident: the types of the events that name it."""


FAULTS: dict[str, Fault] = {
    "operator-dark": Fault(
        title="DNS operator dark",
        does="all four name servers of operator dns-a answer nothing; caches go on until their TTLs end",
        expect="an incident at DNS operator dns-a while cached sign-in still passes, then outage as caches run out",
        domains=("operator dns-a",),
    ),
    "name-server-dark": Fault(
        title="One name server dark",
        does="one of dns-a's four name servers answers nothing",
        expect="an incident at that name server; no component is hurt",
        domains=("name server ns2.dns-a.example",),
    ),
    "name-server-lame": Fault(
        title="One name server lame",
        does="one of dns-a's four name servers refuses the vendor's zone",
        expect="an incident at that name server: lame, not dark; no component is hurt",
        domains=("name server ns2.dns-a.example",),
    ),
    "zone-emptied": Fault(
        title="Zone emptied",
        does="the name servers of dns-a answer that the vendor's names do not exist; caches go on until their TTLs end",
        expect="an incident at the vendor's zone: wrong answers, not dark",
        domains=("zone auth-vendor.example",),
    ),
    "resolver-down": Fault(
        title="A resolver down",
        does="one of the two public resolvers answers nothing",
        expect="an incident at that resolver; the names and their operators are not blamed",
        domains=("resolver resolver-2", "resolver 198.51.100.53"),
    ),
    "region-down": Fault(
        title="Region down",
        does="the front end in us-east takes no connections; eu-west goes on",
        expect="an incident at region us-east; partial outage",
        domains=("region us-east",),
    ),
    "region-slow": Fault(
        title="Region slow",
        does="the front end in us-east answers 1.5 s late",
        expect="degraded performance, at region us-east",
        domains=("region us-east",),
    ),
    "throttled": Fault(
        title="429 storm",
        does="both front ends answer 19 of 20 requests with 429 Too Many Requests",
        expect="soft failures from data centres and access lines alike: users are hit too",
        domains=("endpoint *.auth-vendor.example",),
    ),
    "certificate-expired": Fault(
        title="Certificate expired",
        does="both front ends present a certificate that ended an hour ago",
        expect="an incident at the endpoint: the certificate has expired",
        domains=("endpoint *.auth-vendor.example", "certificate *"),
    ),
    "bot-wall": Fault(
        title="Bot wall",
        does="both front ends answer a challenge to clients in data centres; access lines pass",
        expect="blocked or throttled: cannot tell; no outage is claimed",
        domains=("network data centres",),
    ),
    "sign-in-broken": Fault(
        title="Sign-in broken",
        does="the identity provider answers every password with an error page; its pages and keys are fine",
        expect="an incident at the sign-in, step password, in the full runs; health checks stay green",
        domains=("endpoint sso.auth-vendor.example",),
    ),
    "keys-lost": Fault(
        title="Signing keys lost",
        does="the identity provider publishes other keys than it signs with",
        expect="an incident at the sign-in: tokens cannot be verified",
        domains=("endpoint sso.auth-vendor.example",),
    ),
    "captcha": Fault(
        title="Captcha",
        does="the sign-in page wants a captcha solved of everyone",
        expect="the sign-in check is blocked and says so; no outage is claimed",
        domains=("endpoint sso.auth-vendor.example", "network data centres"),
    ),
    "database-slow": Fault(
        title="Database slow",
        does="19 of 20 requests get 429 at once, and the others are answered 1.5 s late",
        expect="a grey failure: throttled for users too, and what passes is slow",
        domains=("endpoint *.auth-vendor.example",),
    ),
    "site-gone": Fault(
        title="Anycast site gone",
        does="the Frankfurt site of the anycast name server answers nothing, and is still announced",
        expect="the probes of its catchment fail, the others pass: an incident at that site",
        domains=("site fra",),
    ),
    "site-withdrawn": Fault(
        title="Anycast site withdrawn",
        does="the Frankfurt site of the anycast name server is announced no more; its probes reach Ashburn",
        expect="no incident; a notice that the site is gone and whose catchment moved",
        incident=False,
        says=("notice.site_lost",),
    ),
    "delegation-moved": Fault(
        title="Delegation moved to the fallback",
        does="the parent zone delegates the vendor's zone to operator dns-b instead of dns-a",
        expect="a move: which parent servers and resolvers are on the new set, and when all should be",
        remedy=True,
        incident=False,
        says=("notice.move_started", "notice.delegation_changed"),
    ),
    "fallback-completed": Fault(
        title="Mail records added at the fallback",
        does="operator dns-b serves the mail records, too",
        expect="the fallback is ready",
        remedy=True,
        incident=False,
        says=("risk.cleared",),
    ),
    "uplink-dead": Fault(
        title="A probe's uplink dead",
        does="nothing passes to or from the probe in Frankfurt, its collector included",
        expect="that probe is silent; no target is blamed",
        domains=("probe fra1",),
    ),
    "clock-wrong": Fault(
        title="A probe's clock wrong",
        does="the wall clock of the probe in Tokyo runs 90 s ahead",
        expect="that probe is unhealthy and abstains; no target is blamed",
        where="probes",
        domains=("probe nrt1",),
    ),
}
"""By the name that `parallax lab break` takes."""
