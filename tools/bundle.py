"""Makes what a host is installed from: our wheel and the locked wheels it needs, one archive for each program, Python
and machine, so that no host needs a package index or a compiler.

    python -m tools.bundle OUT --python 3.11 --python 3.13 --machine x86_64

OUT/manifest.json says what is there: {"release", "version", "archives": {"probe-cp311-x86_64": {"file", "sha256"}}}.
An archive holds `wheels/`, `requirements.txt`, where every line has its hash, and pip to install them with. The locks
that it follows are made by `python -m tools.bundle --lock`, and are the same for every Python; they are part of the
collection.
"""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "ansible" / "locks"
PROGRAMS = {"probe": ("probe",), "collector": ("collector", "series")}
"""By program: the extras that it is installed with."""
SOURCE_ONLY = ("pyspf",)
"""What has no wheel; pure Python, so it is built here and is the same for all."""
KEPT = Path(os.environ.get("PARALLAX_PARTS", ROOT / ".parts")) / "wheels"
OWN = "parallax_monitor"
LIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
"""Wheels for glibc up to 2.28, which is older than that of any host that is supported (Ubuntu 22.04 has 2.35)."""
MACHINES = ("x86_64", "aarch64")
PYTHONS = ("3.11", "3.12", "3.13")
"""Debian 12 and Ubuntu 22.04 (its package python3.11), Ubuntu 24.04, Debian 13."""


_ENV = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class BundleError(Exception):
    """The bundle cannot be made; one line that says what to do."""


def make_bundle(
    out: Path, pythons: Sequence[str], machines: Sequence[str], wheel: Path | None = None, kept: Path = KEPT
) -> str:
    """Makes the archives and the manifest in `out`, and returns the release's name. `wheel` is ours if it is built
    already; what others made is kept in `kept`, so that it is brought once. Raises BundleError."""
    with tempfile.TemporaryDirectory() as folder:
        own = wheel or _build(Path(folder))
        version = own.name.split("-")[1]
        release = f"{version}-{_sha256(own.read_bytes() + b''.join(_lock(program) for program in PROGRAMS))[:8]}"
        out.mkdir(parents=True, exist_ok=True)
        installer = _installer(kept)
        archives = {}
        for program in PROGRAMS:
            lock, built = _with_source_only(kept, _lock(program).decode())
            for python in pythons:
                for machine in machines:
                    name = f"{program}-cp{python.replace('.', '')}-{machine}"
                    wheels = _download(kept, lock, python, machine)
                    raw = _archive(
                        _requirements(program, version, lock, [own, *built]), [own, *built, *wheels], installer
                    )
                    file = f"parallax-{release}-{name}.tar.gz"
                    (out / file).write_bytes(raw)
                    archives[name] = {"file": file, "sha256": _sha256(raw)}
    manifest = {"release": release, "version": version, "archives": archives}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
    return release


def make_locks() -> None:
    """Pins what each program needs, with hashes, in ansible/locks. Needs uv. Raises BundleError."""
    for program, extras in PROGRAMS.items():
        chosen = [word for extra in extras for word in ("--extra", extra)]
        how = ["--universal", "--python-version", PYTHONS[0], "--generate-hashes", "--no-header", "--no-annotate"]
        _run(
            ["uv", "pip", "compile", "-q", "pyproject.toml", *chosen, *how, "-o", str(LOCKS / f"{program}.txt")],
            "uv could not pin the dependencies; is it installed (pip install uv), and a package index reachable?",
        )


def _build(folder: Path) -> Path:
    _run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)],
        "pip could not build the wheel; is a package index reachable?",
    )
    return next(folder.glob(f"{OWN}-*.whl"))


def _with_source_only(kept: Path, lock: str) -> tuple[str, list[Path]]:
    """The lock without what has no wheel, and the wheels that were built of that here: no host builds any."""
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    sources = [entry for entry in entries if entry.startswith(tuple(f"{name}==" for name in SOURCE_ONLY))]
    rest = "".join(entry for entry in entries if entry not in sources)
    if not sources:
        return rest, []
    trouble = f"pip could not build {', '.join(SOURCE_ONLY)}; is a package index reachable?"
    return rest, _bring(kept, ["wheel", "--no-deps"], "".join(sources), trouble)


def _download(kept: Path, lock: str, python: str, machine: str) -> list[Path]:
    platforms = [word for libc in LIBC for word in ("--platform", f"{libc}_{machine}")]
    only = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms]
    trouble = f"pip could not bring the wheels for Python {python} on {machine}; is a package index reachable?"
    return _bring(kept, ["download", "--no-deps", *only], lock, trouble)


def _installer(kept: Path) -> bytes:
    """pip, which runs from its wheel as it is."""
    lock = (LOCKS / "pip.txt").read_text("utf-8")
    trouble = "pip could not bring pip; is a package index reachable?"
    return _bring(kept, ["download", "--no-deps"], lock, trouble)[0].read_bytes()


def _bring(kept: Path, how: list[str], lock: str, trouble: str) -> list[Path]:
    """What pip brings by a lock, from a former time if that was the same."""
    folder = kept / _sha256(" ".join([*how, lock]).encode())[:16]
    if not folder.exists():
        fresh = folder.with_suffix(f".{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        listed = folder.with_suffix(".txt")
        listed.write_text(lock, "utf-8")
        into = "-d" if how[0] == "download" else "-w"
        pip = [sys.executable, "-m", "pip", *how, "-q", "--require-hashes", "-r", str(listed), into, str(fresh)]
        _run(pip, trouble)
        if not folder.exists():  # somebody else may have been quicker
            fresh.rename(folder)
    return sorted(folder.iterdir())


def _lock(program: str) -> bytes:
    return (LOCKS / f"{program}.txt").read_bytes()


def _requirements(program: str, version: str, lock: str, built: Sequence[Path]) -> bytes:
    lines = []
    for wheel in built:
        name, its_version = wheel.name.split("-")[:2]
        extras = f"[{','.join(PROGRAMS[program])}]" if its_version == version and name == OWN else ""
        lines.append(f"{name}{extras}=={its_version} --hash=sha256:{_sha256(wheel.read_bytes())}\n")
    return (lock + "".join(lines)).encode()


def _archive(requirements: bytes, wheels: Sequence[Path], installer: bytes) -> bytes:
    """The same bytes for the same content, so that a second bundle of one release changes no host."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=1) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w") as archive,
    ):
        contents = {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
        for name, content in sorted(
            {"requirements.txt": requirements, "installer/pip.whl": installer, **contents}.items()
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _run(command: list[str], trouble: str) -> None:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=_ENV)  # noqa: S603
    except FileNotFoundError:
        raise BundleError(trouble) from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise BundleError(f"{trouble} It said: {last[0]}")


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "dist" / "bundle")
@click.option("--python", "pythons", multiple=True, default=PYTHONS, show_default=True, help="A Python of the hosts.")
@click.option("--machine", "machines", multiple=True, default=("x86_64",), type=click.Choice(MACHINES))
@click.option("--wheel", type=click.Path(dir_okay=False, exists=True, path_type=Path), help="Ours, built already.")
@click.option("--lock", is_flag=True, help="Pin the dependencies anew instead.")
def main(out: Path, pythons: tuple[str, ...], machines: tuple[str, ...], wheel: Path | None, lock: bool) -> None:
    """Make a bundle in OUT."""
    try:
        if lock:
            make_locks()
        else:
            click.echo(make_bundle(out, pythons, machines, wheel))
    except BundleError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
