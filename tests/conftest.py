"""What all tests share. Which of them want the machine to themselves: those that are slow for what they start, servers
and programs with deadlines. The others only compute, so `make test` runs them side by side. A network of hosts, marked
`deploy`, would disturb both, so it comes after them.

pytest-trio skips without saying why where the skip comes out of a nursery; here it is said.
"""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

ONLY_COMPUTES = (
    "tests/collector/detect/",
    "tests/collector/retries/",
    "tests/e2e/test_canaries.py",
    "tests/probe/pages/",
)
"""Whose slow tests are long and nothing else: no deadline in them is near."""


WHOLE = ("tests/e2e/", "tests/lab/")
"""Where whole fleets run by the clock: one of them at a time."""
LONGEST_ID = 40


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """A long text is no name for a test; and one with a key in it has another one in each of two workers."""
    return argname if isinstance(val, str | bytes) and len(val) > LONGEST_ID else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(config.rootpath).as_posix()
        wants_much = item.get_closest_marker("slow") and not item.get_closest_marker("deploy")
        if wants_much and not place.startswith(ONLY_COMPUTES):
            item.add_marker("alone")
            if place.startswith(WHOLE):
                item.add_marker(pytest.mark.xdist_group("whole"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and call.excinfo is not None and (why := _inner_skip(call.excinfo.value.__context__)):
        path, line, _ = item.location
        report.longrepr = str(path), (line or 0) + 1, f"Skipped: {why.msg}"
    return report


def _inner_skip(error: BaseException | None) -> Any:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, pytest.skip.Exception) else None
