"""Where the parts that no Debian package brings are: `tools/setup.sh parts` puts them there."""

import os
import shutil
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent.parent
PARTS = Path(os.environ.get("PARALLAX_PARTS") or _ROOT / ".parts")


def find_part(name: str) -> Path:
    """A part's folder; skips the test where it is missing or half installed."""
    folder = PARTS / name
    if not (folder / "installed").exists():
        pytest.skip(f"{name} is not installed: tools/setup.sh parts")
    return folder


def find_node() -> str:
    """Node.js: the one that the set-up brought where the host has none that will do. Skips where there is neither."""
    own = PARTS / "node" / "bin" / "node"
    path = str(own) if own.exists() else shutil.which("node")
    if path is None:
        pytest.skip("node is not installed: apt install nodejs npm, then tools/setup.sh parts")
    return path
