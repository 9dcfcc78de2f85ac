"""What a plan may ask of a comparison, and what that costs."""

from typing import Any

import pytest

from parallax.plan.checks import Unsupported, convert_check
from parallax.plan.inventory import MAX_NAMES
from parallax.plan.kinds import SPECS
from parallax.plan.types import Check


def converted(**keys: Any) -> Check | Unsupported:
    table = {"name": "x", "kind": "dns.parity", "zone": "vendor.example", "primary": "a", "fallback": "b"}
    return convert_check(table | keys)


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"names": [f"n{n}" for n in range(10_000)]}, "names"),
        ({"purposes": {"mail": [f"n{n}" for n in range(10_000)]}, "names": ["x"]}, "purposes, mail"),
        ({"names": [f"n{n}" for n in range(600)], "purposes": {"mail": [f"m{n}" for n in range(400)]}}, None),
        ({"names": [f"n{n}" for n in range(600)], "purposes": {"mail": [f"n{n}" for n in range(600)]}}, None),
        ({"names": [f"n{n}" for n in range(600)], "purposes": {"mail": [f"m{n}" for n in range(401)]}}, "names"),
        ({"selectors": [f"s{n}" for n in range(1001)]}, "names"),
    ],
)
def test_more_names_than_one_check_compares_are_refused_with_the_way_out(keys: Any, place: str | None) -> None:
    found = converted(**keys)
    if place is None:
        assert isinstance(found, Check)
    else:
        assert isinstance(found, Unsupported)
        assert found.message.startswith(f"{place}: the check lists ")
        assert found.message.endswith(f"names; one compares at most {MAX_NAMES}: spread them over several checks")


def test_the_load_is_that_of_the_inventory() -> None:
    small, large = converted(), converted(purposes={"sign-in": [f"n{n}" for n in range(100)]})
    assert isinstance(small, Check)
    assert isinstance(large, Check)
    cost = SPECS["dns.parity"].cost
    assert 30 < cost(small.spec) < 60
    assert cost(large.spec) - cost(small.spec) == 2 * 3 * 100, "two sides, three types"


def test_a_name_that_grows_too_long_with_its_zone_is_refused() -> None:
    found = converted(names=[".".join(["a" * 60] * 4)])
    assert isinstance(found, Unsupported)
    assert "longer than DNS allows" in found.message
