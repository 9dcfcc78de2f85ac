"""Kinds whose runs are many queries have a pace of their own."""

import pytest

from parallax.plan.checks import Unsupported, convert_check
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check, Defaults
from parallax.values import Duration

MAIL = {"name": "mail", "kind": "dns.mail", "domain": "a.example"}


def test_a_kind_s_own_pace_comes_before_that_of_defaults() -> None:
    check = convert_check(MAIL, Defaults(period=Duration(20), timeout=Duration(3)))
    assert isinstance(check, Check)
    assert (check.period, check.timeout) == (300, 30)


def test_what_the_check_says_comes_first() -> None:
    check = convert_check(MAIL | {"period": "60s", "timeout": "10s"})
    assert isinstance(check, Check)
    assert (check.period, check.timeout) == (60, 10)


def test_a_period_below_the_kind_s_timeout_names_whose_it_is() -> None:
    check = convert_check(MAIL | {"period": "20s"})
    assert isinstance(check, Unsupported)
    assert check.message == "timeout: 30s (from the default of dns.mail) is not shorter than the period, 20s"


@pytest.mark.parametrize("kind", SPECS)
def test_a_pace_keeps_its_own_rules(kind: str) -> None:
    pace = SPECS[kind].pace
    assert pace is None or 15 <= pace[1] < pace[0]
