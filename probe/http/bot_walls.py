"""Bot walls: whether a challenge or a block page answered instead of the service. Facts as data; pure.

Care goes into what is not a wall: a sign-in page with a captcha widget answers 200 and has the same scripts in it, and
some operators put their detection script into every page. So scripts count only beside a refusing status, and with a
200 only what no page of a service has: the wall's own header, or its own title together with its own machinery.
"""

import re

import msgspec

from probe.http.response import Answer

LOOKED_AT = 65536
"""Octets of the body that are looked at: walls are short."""
REFUSALS = frozenset({401, 403, 405, 406, 428, 429, 503})


class Wall(msgspec.Struct, frozen=True, kw_only=True):
    """One sign of a wall: every condition that is given must hold. `texts` are lower case; all of them must be in the
    body."""

    name: str
    statuses: frozenset[int] | None = None
    header: tuple[str, re.Pattern[str]] | None = None
    texts: tuple[str, ...] = ()


def _header(name: str, pattern: str) -> tuple[str, re.Pattern[str]]:
    return name, re.compile(pattern, re.I)


WALLS: tuple[Wall, ...] = (
    # said in a header, whatever the status
    Wall(name="cloudflare", header=_header("cf-mitigated", r"challenge|block")),
    Wall(name="aws-waf", header=_header("x-amzn-waf-action", r"challenge|captcha")),
    Wall(name="vercel", header=_header("x-vercel-mitigated", r"challenge|deny")),
    Wall(name="akamai", statuses=frozenset({428, 429}), texts=("sec-cp-challenge",)),
    # interstitials that may come with a 200
    Wall(name="cloudflare", texts=("<title>just a moment...</title>", "_cf_chl_opt")),
    Wall(name="cloudflare", statuses=REFUSALS, texts=("<title>just a moment...</title>",)),
    Wall(name="cloudflare", statuses=REFUSALS, texts=("/cdn-cgi/challenge-platform/", "cf-chl")),
    Wall(name="cloudflare", statuses=REFUSALS, texts=("<title>attention required! | cloudflare</title>",)),
    Wall(name="cloudflare", statuses=REFUSALS, texts=("sorry, you have been blocked", "cloudflare")),
    Wall(name="imperva", texts=("request unsuccessful. incapsula incident id",)),
    Wall(name="imperva", statuses=REFUSALS, texts=("_incapsula_resource",)),
    Wall(name="f5", texts=("<title>request rejected</title>", "support id")),
    Wall(name="sucuri", statuses=REFUSALS, texts=("sucuri website firewall",)),
    Wall(name="ddos-guard", texts=("<title>ddos-guard</title>", "/.well-known/ddos-guard/")),
    # blocks and captchas beside a refusing status
    Wall(name="akamai", statuses=REFUSALS, header=_header("server", "akamaighost"), texts=("access denied",)),
    Wall(name="akamai", statuses=REFUSALS, texts=("errors.edgesuite.net",)),
    Wall(name="datadome", statuses=REFUSALS, texts=("captcha-delivery.com",)),
    Wall(name="human", statuses=REFUSALS, texts=("px-captcha",)),
    Wall(name="aws-waf", statuses=frozenset({202, 403, 405}), texts=("awswafcookiedomainlist",)),
    Wall(name="turnstile", statuses=REFUSALS - {401}, texts=("challenges.cloudflare.com/turnstile",)),
    Wall(name="hcaptcha", statuses=REFUSALS - {401}, texts=("hcaptcha.com/1/api.js",)),
    Wall(name="recaptcha", statuses=REFUSALS - {401}, texts=("google.com/recaptcha/",)),
    Wall(name="recaptcha", statuses=REFUSALS - {401}, texts=("recaptcha.net/recaptcha/",)),
)
"""Looked through in this order; the first that fits names the wall."""


def bot_wall(answer: Answer) -> str | None:
    """The name of the wall that answered, or None."""
    text: str | None = None
    for wall in WALLS:
        if wall.statuses is not None and answer.status not in wall.statuses:
            continue
        if wall.header is not None and not wall.header[1].search(answer.headers.get(wall.header[0], "")):
            continue
        if wall.texts:
            if text is None:
                text = answer.body[:LOOKED_AT].decode("latin-1").lower()
            if not all(part in text for part in wall.texts):
                continue
        return wall.name
    return None
