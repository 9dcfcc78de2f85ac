"""Where a dial goes: connect_to first, then the guard on what is really dialled."""

import pytest

from parallax.dialling.route import EVERYWHERE, NotAllowed, Routes
from parallax.values import Address, Cidr, Redirect

PUBLIC = Address.parse("192.0.2.53:53")  # documentation addresses are not global: they need `allow` or a redirect
GLOBAL = Address.parse("1.1.1.1:53")
LOOPBACK = Address.parse("127.0.0.1:5353")


def test_a_global_address_is_dialled_as_it_is():
    assert Routes().dial_address(GLOBAL, "udp") == GLOBAL


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:80",
        "10.0.0.1:80",
        "172.16.0.1:80",
        "192.168.0.1:80",
        "169.254.169.254:80",
        "100.64.0.1:80",
        "0.0.0.0:80",
        "[::1]:80",
        "[fe80::1]:80",
        "[fd00:ec2::254]:80",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::a9fe:a9fe]:80",
        "[64:ff9b:1::7f00:1]:80",
        "[::127.0.0.1]:80",
        "[fec0::1]:80",
        "[2002:7f00:1::]:80",
        "224.0.0.1:80",
        "[ff02::1]:80",
    ],
)
def test_no_metadata_link_local_private_or_multicast_address_is_dialled(text):
    with pytest.raises(NotAllowed) as error:
        Routes().dial_address(Address.parse(text), "tcp")
    assert 'add its network to "allow"' in str(error.value)


@pytest.mark.parametrize("text", ["[64:ff9b::101:101]:53", "[::ffff:1.1.1.1]:53", "[2606:4700:4700::1111]:53"])
def test_a_public_address_behind_nat64_is_public(text):
    address = Address.parse(text)
    assert Routes().dial_address(address, "tcp") == address


def test_the_probes_config_can_allow_a_network():
    routes = Routes.of(allow=[Cidr.parse("127.0.0.0/8")])
    assert routes.dial_address(LOOPBACK, "tcp") == LOOPBACK
    with pytest.raises(NotAllowed):
        routes.dial_address(Address.parse("10.0.0.1:80"), "tcp")


def test_connect_to_redirects_one_protocol_or_both():
    only_udp = Routes.of([(Redirect.parse("192.0.2.53:53/udp"), LOOPBACK)], EVERYWHERE)
    assert only_udp.dial_address(PUBLIC, "udp") == LOOPBACK
    assert only_udp.dial_address(PUBLIC, "tcp") == PUBLIC
    both = Routes.of([(Redirect.parse("192.0.2.53:53"), LOOPBACK)], EVERYWHERE)
    assert both.dial_address(PUBLIC, "udp") == both.dial_address(PUBLIC, "tcp") == LOOPBACK


def test_a_redirect_does_not_get_around_the_guard():
    routes = Routes.of([(Redirect.parse("1.1.1.1:53"), Address.parse("169.254.169.254:80"))])
    with pytest.raises(NotAllowed):
        routes.dial_address(GLOBAL, "tcp")


def test_everywhere_is_everywhere():
    routes = Routes.of(allow=EVERYWHERE)
    assert routes.dial_address(Address.parse("[::1]:80"), "tcp") == "[::1]:80"
    assert routes.dial_address(Address.parse("10.0.0.1:80"), "tcp") == "10.0.0.1:80"
