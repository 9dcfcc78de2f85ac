"""What all tests share: pytest-trio skips without saying why where the skip comes out of a nursery; here it is said."""

from collections.abc import Generator
from typing import Any

import pytest


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
