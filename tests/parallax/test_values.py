"""Text forms of the small values: each parses what it prints, and says what is wrong with the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.values import Address, Cidr, DnsName, Duration, Endpoint, Rate, Redirect, Size, Url, dns_name

GOOD = [
    (Duration, "500ms", "500ms"),
    (Duration, "30s", "30s"),
    (Duration, "90s", "90s"),
    (Duration, "120s", "2m"),
    (Duration, "1.5s", "1500ms"),
    (Duration, "7d", "7d"),
    (Size, "64kB", "64kB"),
    (Size, "1000kB", "1MB"),
    (Size, "0B", "0B"),
    (Rate, "4/min", "4/min"),
    (Rate, "3/10s", "3/10s"),
    (Address, "192.0.2.1:53", "192.0.2.1:53"),
    (Address, "[2001:0DB8::1]:53", "[2001:db8::1]:53"),
    (Endpoint, "Auth.Example.:443", "auth.example:443"),
    (Endpoint, "[2001:db8::1]:443", "[2001:db8::1]:443"),
    (DnsName, "XN--bcher-kva.example", "xn--bcher-kva.example"),
    (DnsName, "_dmarc.example.", "_dmarc.example"),
    (DnsName, "*.example", "*.example"),
    (DnsName, ".", "."),
    (Redirect, "192.0.2.53:53/udp", "192.0.2.53:53/udp"),
    (Redirect, "192.0.2.53:53", "192.0.2.53:53"),
    (Cidr, "127.0.0.0/8", "127.0.0.0/8"),
    (Url, "https://auth.example/v1/health?x=1", "https://auth.example/v1/health?x=1"),
]


@pytest.mark.parametrize(("kind", "text", "printed"), GOOD)
def test_a_value_prints_a_form_that_it_parses_again(kind, text, printed):
    value = kind.parse(text)
    assert str(value) == printed
    assert kind.parse(str(value)) == value


BAD = [
    (Duration, "30", '\'30\' is no duration; write a number above 0 and a unit, like "500ms", "30s", "5m"'),
    (Duration, "0s", "'0s' is no duration"),
    (Duration, "-1s", "'-1s' is no duration"),
    (Size, "1MiB", "'1MiB' is no size"),
    (Rate, "0/min", "'0/min' is no rate"),
    (Rate, "4/0s", "'4/0s' is no rate"),
    (Rate, "4 per minute", "is no rate"),
    (Address, "ns1.example:53", "'ns1.example' is no literal IP address"),
    (Address, "192.0.2.1", "has no port"),
    (Address, "192.0.2.1:0", "'0' is no port"),
    (Address, "192.0.2.1:65536", "'65536' is no port"),
    (Address, "192.0.2.1:٥٣", "is no port"),
    (Address, "[fe80::1%eth0]:53", "is no literal IP address"),
    (Endpoint, ":53", "has no host"),
    (Endpoint, "[2001:db8::1:53", "is written [2001:db8::1]:53"),
    (Endpoint, "300.1.2.3:53", "neither a name nor a literal IP address"),
    (DnsName, "auth.example ", "has a blank at its start or end"),
    (DnsName, "a..example", "has an empty label"),
    (DnsName, "a" * 64 + ".example", "is 64 octets long; DNS allows 63"),
    (DnsName, "a." * 127 + "example", "DNS allows 253"),
    (DnsName, "-a.example", "has a character that no host name has"),
    (DnsName, "", "has an empty label"),
    (DnsName, "Bücher.example", "'Bücher.example' is an IDN; write its A-labels: xn--bcher-kva.example"),
    (DnsName, "straße.example", "'straße.example' is an IDN; write its A-labels"),
    (DnsName, "\u2024.example", "is an IDN"),
    (Redirect, "192.0.2.53:53/sctp", "ends in /sctp; write /udp, /tcp, or nothing for both"),
    (Cidr, "10.0.0.1/8", "is no network"),
    (Url, "ftp://auth.example/", "must begin with https:// or http://"),
    (Url, "https://user:pw@auth.example/", "carries a user or password"),
    (Url, "https://auth.example/#x", "has a fragment"),
    (Url, "https:///path", "has no host"),
    (Url, "https://auth.example/a b", "has a blank"),
    (Url, "https://auth.example:99999/", "is no port"),
]


@pytest.mark.parametrize(("kind", "text", "message"), BAD)
def test_a_bad_text_says_what_is_wrong(kind, text, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the message is what is tested)
        kind.parse(text)
    assert message in str(error.value)


def test_a_message_about_a_url_with_a_password_does_not_repeat_it():
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Url.parse("https://user:hunter2@auth.example/")
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("kind", [Duration, Size, Rate, Address, Endpoint, DnsName, Redirect, Cidr, Url])
@given(text=st.text(max_size=80))
def test_any_text_parses_or_raises_value_error_only(kind, text):
    try:
        value = kind.parse(text)
    except ValueError:
        return
    assert kind.parse(str(value)) == value


@given(
    st.lists(st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_", min_size=1, max_size=63), min_size=1, max_size=5).map(
        ".".join
    )
)
def test_dns_name_is_idempotent(text):
    try:
        name = dns_name(text)
    except ValueError:
        return
    assert dns_name(name) == name == name.lower()


@pytest.mark.parametrize(
    ("text", "protocols"),
    [("192.0.2.1:53", ("tcp", "udp")), ("192.0.2.1:53/tcp", ("tcp",)), ("192.0.2.1:53/udp", ("udp",))],
)
def test_a_redirect_names_its_protocols(text, protocols):
    redirect = Redirect.parse(text)
    assert redirect.protocols == protocols
    assert redirect.address == "192.0.2.1:53"


def test_a_rate_as_a_number_a_minute():
    assert [Rate.parse(text).per_minute for text in ("4/min", "3/10s", "60/h", "2/s")] == [4, 18, 1, 120]
