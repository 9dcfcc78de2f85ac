"""The registry is whole: a kind without its page, bad plans, golden vector or misbehaving server fails here."""

import importlib
import json
import re
from pathlib import Path

import msgspec
import pytest

from parallax.observation import Observation, as_dict
from parallax.plan.kinds import SPECS
from parallax.reasons import REASONS
from probe.checks import KINDS

ROOT = Path(__file__).parents[2]
MISBEHAVING = {
    "dns": "tests.fakes.dns_server",
    "dns.zone": "tests.fakes.dns_server",
    "dns.resolve": "tests.fakes.dns_server",
    "dns.chain": "tests.fakes.dns_server",
    "dns.parity": "tests.fakes.dns_server",
    "dns.mail": "tests.fakes.dns_server",
    "dns.dnssec": "tests.fakes.dns_server",
    "tls": "tests.fakes.http_server",
    "http": "tests.fakes.http_server",
    "oidc": "tests.fakes.oidc_server",
    "signin": "tests.fakes.signin_server",
}


def test_the_probe_runs_what_a_plan_can_name():
    assert KINDS.keys() == SPECS.keys() == MISBEHAVING.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_its_bad_plans_and_its_misbehaving_server(kind: str):
    assert list((ROOT / "tests/bad_plans").glob(f"{kind.replace('.', '_')}_*.toml"))
    assert importlib.import_module(MISBEHAVING[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_page_has_every_key_of_its_plan_and_of_its_findings(kind: str):
    page = (ROOT / "docs/checks" / f"{kind}.md").read_text()
    keys = {field.encode_name for field in msgspec.structs.fields(SPECS[kind].spec)}
    findings = {key for vector in _vectors(kind) for key in json.loads(vector.read_text())["findings"]}
    missing = {key for key in keys | findings if not re.search(rf"`{key}`|^{key} = ", page, re.MULTILINE)}
    assert missing == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_golden_observation_still_reads_as_it_was_written(kind: str):
    """Taken once from a real run against NSD or nginx; kept for ever, whatever later versions write."""
    for vector in _vectors(kind):
        packed = vector.with_name(vector.name.removesuffix("json") + "msgpack")
        observation = msgspec.msgpack.decode(packed.read_bytes(), type=Observation)
        assert as_dict(observation) == json.loads(vector.read_text())
        assert observation.kind == kind
        assert observation.reason is None or observation.reason in REASONS


def _vectors(kind: str) -> list[Path]:
    found = sorted((ROOT / "tests/vectors").glob(f"observation-{kind}-*.json"))
    assert found, kind
    return found
