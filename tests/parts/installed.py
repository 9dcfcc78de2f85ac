"""Where the parts that no Debian package brings are: `tools/setup.sh parts` puts them there."""

import os
import shutil
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent.parent
PARTS = Path(os.environ.get("PARALLAX_PARTS") or _ROOT / ".parts")


def find_part(name: str, inside: str) -> Path:
    """A part's folder; skips the test where what it needs `inside` is missing."""
    folder = PARTS / name
    if not (folder / inside).exists():
        pytest.skip(f"{name} is not installed: tools/setup.sh parts")
    return folder


def find_node() -> str:
    """Node.js: the host's if it is new enough (18), else the one that the set-up brought. Skips where there is none."""
    own = PARTS / "node" / "bin" / "node"
    path = str(own) if own.exists() else shutil.which("node")
    if path is None:
        pytest.skip("node is not installed: apt install nodejs npm, then tools/setup.sh parts")
    return path
