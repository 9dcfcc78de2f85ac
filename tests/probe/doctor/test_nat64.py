"""RFC 7050 and RFC 6052: the prefixes that answers for ipv4only.arpa show."""

import ipaddress

import pytest

from probe.doctor.nat64 import prefixes_of

# RFC 6052 section 2.4, with 192.0.2.33 there as 192.0.0.170 here.
EVERY = {
    "2001:db8::/32": "2001:db8:c000:aa::",
    "2001:db8:100::/40": "2001:db8:1c0:0:aa::",
    "2001:db8:122::/48": "2001:db8:122:c000:0:aa00::",
    "2001:db8:122:300::/56": "2001:db8:122:3c0:0:aa::",
    "2001:db8:122:344::/64": "2001:db8:122:344:c0:0:aa00:0",
    "2001:db8:122:344::/96": "2001:db8:122:344::192.0.0.170",
    "64:ff9b::/96": "64:ff9b::192.0.0.171",
}


@pytest.mark.parametrize("prefix", EVERY)
def test_each_length_is_found(prefix: str) -> None:
    assert ipaddress.IPv6Address(EVERY[prefix]) in ipaddress.IPv6Network(prefix)
    assert prefixes_of([EVERY[prefix]]) == (prefix,)


def test_what_is_none_is_passed_over() -> None:
    assert prefixes_of(["2001:db8::1", "192.0.0.170", "garbage", "", "::"]) == ()
    assert prefixes_of(["64:ff9b::c000:aa", "64:ff9b::c000:ab"]) == ("64:ff9b::/96",)
