"""Nothing is loaded while a probe measures: in an interpreter of its own, as modules stay once they are imported."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("kind", "spec", "target", "modules"),
    [
        ("dns", 'DnsSpec(query="a.test")', "192.0.2.1", ["dns.rdtypes.ANY.TXT", "dns.rdtypes.IN.HTTPS"]),
        ("dns.zone", 'ZoneSpec(zone="a.test")', "a.test", ["dns.rdtypes.ANY.DS"]),
        ("tls", "TlsSpec()", "a.test", ["OpenSSL.SSL", "cryptography.x509", "dns.rdtypes.ANY.CNAME"]),
        ("http", "HttpSpec()", "https://a.test/", ["cryptography.x509", "dns.rdtypes.ANY.CNAME"]),
        ("oidc", 'OidcSpec(issuer=Url("https://a.test"))', "https://a.test", ["joserfc.jws", "probe.signin.run"]),
    ],
)  # fmt: skip
def test_what_a_check_needs_is_loaded_before_it_runs(kind: str, spec: str, target: str, modules: list[str]) -> None:
    script = f"""
import sys
import probe.main
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.plan.dns_specs import ZoneSpec
from parallax.plan.signin_specs import OidcSpec
from parallax.plan.specs import DnsSpec, HttpSpec, TlsSpec
from parallax.plan.types import Check
from parallax.values import Url
from probe.tools import Tools
from probe.runs import get_ready

times = dict(period=30.0, timeout=5.0)
check = Check(name="c", kind={kind!r}, spec={spec}, targets=[{target!r}], external=False, probes=[], **times)
get_ready([check], Tools(routes=Routes.of(), trust=Trust(), resolvers=()))
print(*sorted(set({modules!r}) - sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("", "")
