"""Which anycast site or edge answered, by the headers that well-known operators send. Facts as data; pure."""

import re

from parallax.dialling.http import Headers

SITE_HEADERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cf-ray", re.compile(r"[0-9a-f]+-([A-Z]{3})$")),  # Cloudflare: 8f2a...-FRA
    ("x-amz-cf-pop", re.compile(r"([A-Z]{3}\d+-[A-Z]+\d*)$")),  # CloudFront: FRA56-P4
    ("x-vercel-id", re.compile(r"([a-z]{3}\d)::")),  # Vercel: fra1::iad1::abc, the edge first
    ("fly-request-id", re.compile(r"-([a-z]{3})$")),  # Fly: 01H...-fra
    ("x-nf-request-id-region", re.compile(r"([\w-]{2,20})$")),
    (
        "x-served-by",
        re.compile(r"cache-([a-z]{3}[\w-]*)(?=[^,]*$)"),
    ),  # Fastly: the last of a list is next to us
    ("x-msedge-ref", re.compile(r"Ref B: ([A-Z0-9]{4,20})")),  # Azure Front Door: Ref A: ... Ref B: FRA31EDGE0518
    ("x-azure-ref", re.compile(r"\d{8}T\d{6}Z-[\w-]*?([A-Z]{3}\d*)[\w-]*$")),
    ("x-cdn-pop", re.compile(r"([\w-]{2,20})$")),  # OVH and others
    ("server-timing", re.compile(r"cdn-pop;desc=\"?([\w-]{2,20})")),
    ("cdn-requestcountrycode", re.compile(r"([A-Z]{2})$")),  # bunny.net
    ("x-akamai-edge-ip-country", re.compile(r"([A-Z]{2})$")),
    ("via", re.compile(r"\d(?:\.\d)? ([\w.-]*(?:edge|pop|cache|cdn|varnish)[\w.-]*)", re.I)),
)
"""Header, and what of its value names the site; the first that fits wins."""


def site_of(headers: Headers) -> str | None:
    """The site that says it answered, at most 64 characters, or None."""
    for name, pattern in SITE_HEADERS:
        match = pattern.search(headers.get(name, "")[:500])
        if match:
            return match[1][:64]
    return None
