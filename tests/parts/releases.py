"""Releases to install on hosts, as bundles: this tree, or this tree with some lines changed and another version.

bundle = make_release(folder, "0.1.1", {"probe/main.py": ("import trio", "raise SystemExit('broken')")})
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import parallax
from tools.bundle import BundleError, make_bundle

ROOT = Path(__file__).parent.parent.parent
_OURS = ("parallax", "probe", "collector", "lab", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
IMAGE_PYTHON, IMAGE_MACHINE = "3.11", "x86_64"
"""Those of the image that most hosts are made of (tests/parts/nodes.py)."""


def make_release(
    folder: Path,
    version: str = "",
    changes: Mapping[str, tuple[str, str]] | None = None,
    pythons: Sequence[str] = (IMAGE_PYTHON,),
) -> Path:
    """The folder of a bundle. By file: the text that is there once, and what is there instead. Raises BundleError."""
    out = folder / f"bundle-{version or 'own'}"
    tree = folder / f"tree-{version or 'own'}"
    for name in _OURS:
        here, there = ROOT / name, tree / name
        if here.is_dir():
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, there)
    wanted = dict(changes or {})
    if version:
        wanted["parallax/__init__.py"] = (parallax.__version__, version)
        wanted["pyproject.toml"] = (f'version = "{parallax.__version__}"', f'version = "{version}"')
    for name, (old, new) in wanted.items():
        text = (tree / name).read_text("utf-8")
        assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
        (tree / name).write_text(text.replace(old, new), "utf-8")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tree / "wheel"), str(tree)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(f"pip could not build the wheel: {done.stderr[-300:]}")
    make_bundle(out, pythons, [IMAGE_MACHINE], next((tree / "wheel").glob("*.whl")))
    return out
