"""CAA records against an issuer (RFC 8659)."""

import pytest

from probe.tls.caa import Property, allows, climb, covering, read_property
from probe.tls.issuers import CAA_NAMES, caa_names

LE = ("letsencrypt.org",)


@pytest.mark.parametrize(
    ("records", "wildcard", "allowed"),
    [
        ([], False, True),
        (['0 issue "letsencrypt.org"'], False, True),
        (['0 issue "LetsEncrypt.org; accounturi=https://a.example/1"'], False, True),
        (['0 issue " letsencrypt.org "'], False, True),
        (['0 ISSUE "digicert.com"', '0 issue "letsencrypt.org"'], False, True),
        (['0 issue "digicert.com"'], False, False),
        (['0 issue "evil-letsencrypt.org"'], False, False),
        (['0 issue ";"'], False, False),
        (['0 issue ""'], False, False),
        (['0 iodef "mailto:a@b.example"'], False, True),
        (['0 issue "digicert.com"', '0 issuewild "letsencrypt.org"'], False, False),
        (['0 issue "digicert.com"', '0 issuewild "letsencrypt.org"'], True, True),
        (['0 issue "letsencrypt.org"', '0 issuewild ";"'], True, False),
        (['0 issue "letsencrypt.org"', '0 issuewild ";"'], False, True),
        (['0 issue "letsencrypt.org"'], True, True),
        (['0 issuewild ";"'], False, True),
        (['128 tbs "x"', '0 issue "letsencrypt.org"'], False, False),
        (['0 tbs "x"', '0 issue "letsencrypt.org"'], False, True),
        (['128 issue "letsencrypt.org"'], False, True),
        ([r"\# 4 00ff00ff"], False, True),
    ],
)
def test_whether_the_records_let_it_issue(records: list[str], wildcard: bool, allowed: bool) -> None:
    assert allows(records, LE, wildcard=wildcard) is allowed


def test_of_an_unknown_issuer_only_the_plain_cases_are_told() -> None:
    assert allows(['0 issue "digicert.com"'], None, wildcard=False) is None
    assert allows(['0 issue ";"'], None, wildcard=False) is False
    assert allows([], None, wildcard=False) is True


def test_properties() -> None:
    assert read_property('128 Issue "a\\"b"') == Property(True, "issue", 'a"b')
    assert read_property('300 issue "a"') is None
    assert read_property("0 issue a") is None


def test_the_way_up() -> None:
    assert climb("A.b.Example.") == ["a.b.example", "b.example", "example"]


def test_the_name_that_was_issued_for() -> None:
    assert covering(["*.b.example"], "a.b.example") == ("b.example", True)
    assert covering(["*.b.example", "a.b.example"], "A.b.example.") == ("a.b.example", False)
    assert covering(["other.example"], "a.b.example") == ("a.b.example", False)


def test_issuers_by_their_organisation() -> None:
    assert caa_names("Let's Encrypt") == LE
    assert caa_names("DigiCert Inc") == CAA_NAMES["digicert"]
    assert caa_names("Parallax test CA") is None
    for names in CAA_NAMES.values():
        assert all(name == name.lower() and "." in name for name in names)
