"""What our authority says by OCSP, read and verified by openssl, out of nginx's handshake."""

import subprocess
from pathlib import Path

import pytest
import trio

from parallax.values import Address
from tests.parts.certificates import Authority
from tests.parts.daemon import find_program
from tests.parts.nginx import Site, nginx

pytestmark = pytest.mark.slow

NAME = "sso.example"


async def test_nginx_staples_what_the_authority_says() -> None:
    ca = Authority()
    between = ca.below("An intermediate")
    leaf, direct = between.leaf(NAME), ca.leaf(NAME)
    openssl = find_program("openssl", "openssl")

    async def ask(at: Address, *more: str) -> str:
        command = [openssl, "s_client", "-connect", str(at), "-servername", NAME, "-status", *more]
        run = await trio.run_process(command, stdin=b"", capture_stdout=True, stderr=subprocess.STDOUT)
        return run.stdout.decode()

    sites = {
        "revoked": Site(certificate=leaf, staple=between.staple(leaf, revoked=True)),
        "good": Site(certificate=direct, staple=ca.staple(direct)),
        "none": Site(certificate=direct),
    }
    async with nginx(sites) as server:
        said = {name: await ask(address) for name, address in server.addresses.items()}
    assert "Cert Status: revoked" in said["revoked"]
    assert "Cert Status: good" in said["good"]
    assert "no response sent" in said["none"]


@pytest.mark.parametrize(("honest", "word"), [(True, "Response verify OK"), (False, "Response Verify Failure")])
async def test_openssl_verifies_a_staple_by_its_issuer(tmp_path: Path, honest: bool, word: str) -> None:
    ca = Authority()
    leaf = ca.leaf(NAME)
    chain, _ = leaf.write(tmp_path, "leaf")
    (tmp_path / "staple").write_bytes(ca.staple(leaf, revoked=True, signed_by=None if honest else Authority()))
    trusted = ca.write(tmp_path)
    command = [
        find_program("openssl", "openssl"), "ocsp", "-respin", str(tmp_path / "staple"), "-issuer", trusted,
        "-cert", str(chain), "-CAfile", trusted, "-no_nonce",
    ]  # fmt: skip
    run = await trio.run_process(command, capture_stdout=True, stderr=subprocess.STDOUT, check=False)
    assert word in run.stdout.decode()
    assert "leaf.crt: revoked" in run.stdout.decode()
