"""The edge of a front end: read where its operator's own header says it, else kept as it came."""

import pytest

from parallax.dialling.http import Headers
from probe.sites.front_ends import RULES, site_of_headers
from probe.sites.site import Site


def headers(**values: str) -> Headers:
    return Headers([(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in values.items()])


@pytest.mark.parametrize(
    ("given", "operator", "name", "iata"),
    [
        ({"cf_ray": "8f2a1b3c4d5e6f70-FRA"}, "Cloudflare", "FRA", "FRA"),
        ({"x_amz_cf_pop": "FRA56-P4"}, "CloudFront", "FRA56-P4", "FRA"),
        ({"x_vercel_id": "fra1::iad1::abcde-1700000000000-0123"}, "Vercel", "fra1", ""),
        ({"x_vercel_id": "cle1::abcde-1700000000000-0123"}, "Vercel", "cle1", ""),
        ({"fly_request_id": "01HXYZ0123456789ABCDEFGHJK-ams"}, "Fly", "ams", "AMS"),
        (
            {"x_served_by": "cache-iad-kiad7000101-IAD, cache-fra-eddf8230020-FRA", "via": "1.1 varnish, 1.1 varnish"},
            "Fastly",
            "FRA",
            "FRA",
        ),
        ({"x_msedge_ref": "Ref A: 1 Ref B: FRA31EDGE0518 Ref C: 2"}, "Azure Front Door", "FRA31EDGE0518", "FRA"),
    ],
)
def test_an_operators_own_header_names_the_edge(given: dict[str, str], operator: str, name: str, iata: str) -> None:
    site = site_of_headers(headers(**given))
    assert site is not None
    assert (site.operator, site.name, site.iata, site.known) == (operator, name, iata, True)


def test_every_rule_has_an_example_above() -> None:
    (examples,) = (m for m in test_an_operators_own_header_names_the_edge.pytestmark if m.name == "parametrize")  # type: ignore[attr-defined]
    assert {operator for _, operator, *_ in examples.args[1]} == {rule.operator for rule in RULES}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"x_served_by": "cache-fra-eddf8230020-FRA"}, "cache-fra-eddf8230020-FRA"),  # nothing says Fastly
        ({"x_served_by": "cache-1"}, "cache-1"),
        ({"via": "1.1 varnish-edge-3.acme.test"}, "varnish-edge-3.acme.test"),
        ({"x_cdn_pop": "gra"}, "gra"),
        ({"server_timing": 'cdn-cache;desc="HIT", cdn-pop;desc="ams-2";dur=1'}, "ams-2"),
    ],
)
def test_an_edge_that_nobody_vouches_for_is_kept_as_it_came(given: dict[str, str], name: str) -> None:
    assert site_of_headers(headers(**given)) == Site(name=name)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"via": "1.1 google"},
        {"cf_ray": "junk"},
        {"cf_ray": "THE NEW FRA"},
        {"cf_ray": "8f2a1b3c4d5e6f70-FRA extra"},  # three letters somewhere are no site
        {"server": "FRA"},
        {"x_amz_cf_pop": "\xff\xfe" * 200},
        {"x_served_by": "cache-" * 200 + ","},
        {"cdn_requestcountrycode": "DE"},  # whoever asks is there, not whoever answers
    ],
)
def test_what_names_no_edge_gives_none(given: dict[str, str]) -> None:
    assert site_of_headers(headers(**given)) is None
