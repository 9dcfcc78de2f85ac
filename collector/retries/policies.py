"""The policies that come with the program, and what a policy's numbers come to. Values are parallax.plan.types.Retry.

A wait that a library draws at random is taken at its middle: the same attempts then always give the same figures.
"""

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from collector.retries.attempts import Attempt
from parallax.loading.convert import Fault, convert_table
from parallax.plan.types import Retry

NONE = "none"
"""The name of what everybody is compared with: no retry."""
PATIENCES_S = (2, 10, 30)
"""How long somebody waits for retries."""


@cache
def builtin_policies() -> tuple[Retry, ...]:
    """Those of policies.toml, which is read once."""
    faults: list[Fault] = []
    tables = tomllib.loads(Path(__file__).with_name("policies.toml").read_text("utf-8"))["retry"]
    policies = tuple(convert_table(table, Retry, faults) for table in tables)
    if faults:
        raise ValueError(f"policies.toml: {faults[0].path}: {faults[0].message}")
    return policies


def policies_with(own: Sequence[Retry]) -> tuple[Retry, ...]:
    """Those that come with the program and the plan's own, which may take the place of one by its name."""
    names = {policy.name for policy in own}
    return (*(policy for policy in builtin_policies() if policy.name not in names), *own)


def waits(policy: Retry) -> Iterator[float]:
    """Seconds before the first retry, the second, ...; without end."""
    middle = (policy.jitter[0] + policy.jitter[1]) / 2
    more = (policy.jitter_up_to or 0.0) / 2
    for delay in policy.delays:
        yield min(delay * middle + more, policy.cap)
    base = min(float(policy.initial), policy.cap)
    while True:
        yield min(base * middle + more, policy.cap)
        base = min(base * policy.factor, policy.cap)


def tries_again(policy: Retry, failed: Attempt) -> bool:
    """Whether it tries again after this, as far as the outcome goes. A request whose method nobody said counts as a
    GET, which most of them are."""
    return failed.met in policy.on and (not policy.methods or (failed.method or "GET") in policy.methods)
