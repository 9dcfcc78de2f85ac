"""A signed repository of Debian packages, as a vendor has one: files to be served by any web server.

key = make_repository(folder, packages)        # deb http://.../ stable main
make_package(folder, "grafana", {"usr/lib/systemd/system/grafana-server.service": "..."})
"""

import hashlib
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.parts.daemon import find_program

_INDEX = "main/binary-amd64/Packages"


def make_package(folder: Path, name: str, files: Mapping[str, str], version: str = "1.0") -> Path:
    """A package with these files, by their paths; they may be executed where they begin with "#!"."""
    tree = folder / f"tree-{name}"
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody\nDescription: {name}\n"
    for path, text in {"DEBIAN/control": control, **files}.items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o755 if text.startswith("#!") else 0o644)
    made = folder / f"{name}_{version}_all.deb"
    _run("dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(made))
    return made


def make_repository(folder: Path, packages: Iterable[Path]) -> str:
    """Puts the repository into `folder` and returns its key, as text. Skips the test where there is no gpg."""
    gpg = [find_program("gpg", "gnupg"), "--homedir", str(folder / "gnupg"), "--batch", "--quiet", "--yes"]
    (folder / "gnupg").mkdir(mode=0o700, parents=True)
    (folder / "pool").mkdir()
    index = ""
    for package in packages:
        raw = package.read_bytes()
        (folder / "pool" / package.name).write_bytes(raw)
        fields = _run("dpkg-deb", "-f", str(package)).strip()
        index += f"{fields}\nFilename: pool/{package.name}\nSize: {len(raw)}\nSHA256: {_sha256(raw)}\n\n"
    suite = folder / "dists" / "stable"
    (suite / _INDEX).parent.mkdir(parents=True)
    (suite / _INDEX).write_text(index, "utf-8")
    said = f" {_sha256(index.encode())} {len(index.encode())} {_INDEX}\n"
    heads = "Origin: test\nSuite: stable\nCodename: stable\nArchitectures: amd64\nComponents: main\n"
    (suite / "Release").write_text(f"{heads}Date: {_run('date', '-Ru').strip()}\nSHA256:\n{said}", "utf-8")
    _run(*gpg, "--passphrase", "", "--quick-generate-key", "vendor@example.com", "ed25519", "sign", "never")
    _run(*gpg, "--clearsign", "-o", str(suite / "InRelease"), str(suite / "Release"))
    return _run(*gpg, "--armor", "--export", "vendor@example.com")


def packages_or_skip(images: Path, image: str) -> list[Path]:
    """Those that hosts of an image install, with all that they need; skips the test where they are missing."""
    found = sorted((images / f"{image}-packages").glob("*.deb"))
    if not found:
        pytest.skip("there are no packages for hosts to install: tools/setup.sh deploy")
    return found


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout
