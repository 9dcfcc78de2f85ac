"""Runs the benchmarks of this folder and writes what they print into one page: `python -m bench.report PAGE [NAME...]`.
With names, only those are run, and their sections take the place of those that the page has.

A benchmark is a file here that prints one line of JSON, last: an object of figures, with its rival's figures of the
same run where there is one. Figures without the machine and its disk mean nothing, so both stand below them.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SYNCS = 300
LIMIT_S = 900


def main() -> int:
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "docs" / "benchmarks.md"
    wanted = sys.argv[2:]
    before = sections(page.read_text("utf-8")) if wanted and page.exists() else {}
    head = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Single runs: differences under 25 % are noise. Each section names the",
        "machine that it was measured on: figures of two machines are not to be compared.",
    ]
    where = f"{machine()}; {fdatasyncs_per_s():.0f} fdatasync/s of 4 kB"
    failed = False
    for path in sorted(HERE.glob("*.py")):
        if path.stem in ("__init__", "report") or (wanted and path.stem not in wanted):
            continue
        print(f"bench: {path.stem}", flush=True)
        figures, took_s = run(path.stem)
        failed |= "error" in figures
        title = figures.pop("bench", path.stem)
        at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        before[title] = "\n".join([*table(figures), "", f"Took {took_s:.0f} s, at {at}. {where}."])
    page.write_text(written("\n".join(head), before), "utf-8")
    print(f"bench: wrote {page}")
    return int(failed)


def sections(page: str) -> dict[str, str]:
    """The sections of a page, by their titles."""
    _, *parts = page.split("\n## ")
    return {title: body.strip() for title, _, body in (part.partition("\n") for part in parts)}


def written(head: str, parts: dict[str, str]) -> str:
    """The page of such sections."""
    return "\n\n".join([head, *(f"## {title}\n\n{body}" for title, body in parts.items())]) + "\n"


def run(name: str) -> tuple[dict[str, Any], float]:
    """The last line of JSON that a benchmark prints, and how long it took, seconds."""
    began = time.monotonic()
    command = [sys.executable, "-m", f"bench.{name}"]
    try:
        done = subprocess.run(
            command, cwd=HERE.parent, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return {"error": f"did not end within {LIMIT_S} s"}, time.monotonic() - began
    took_s = time.monotonic() - began
    if done.returncode != 0:
        return {"error": f"ended with status {done.returncode}"}, took_s
    for line in reversed(done.stdout.splitlines()):
        try:
            figures = json.loads(line)
        except ValueError:
            continue
        if isinstance(figures, dict):
            return figures, took_s
    return {"error": "printed no line of JSON"}, took_s


def table(figures: dict[str, Any]) -> list[str]:
    """A row a figure; figures within figures get dotted names."""
    rows = list(flat(figures))
    return ["| Figure | Value |", "|---|---|", *(f"| {name} | {shown(value)} |" for name, value in rows)]


def flat(figures: dict[str, Any], prefix: str = "") -> Any:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}".replace("_", " "), value


def shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return str(value).replace("|", "\\|")


def machine() -> str:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.0f} GB, {distribution()}, Python {platform.python_version()}"


def distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)


def fdatasyncs_per_s() -> float:
    """How often a second this disk makes a small append durable: what bounds every durable figure below."""
    with tempfile.TemporaryDirectory(dir=HERE) as folder:
        fd = os.open(Path(folder) / "probe", os.O_WRONLY | os.O_CREAT)
        try:
            began = time.perf_counter()
            for _ in range(SYNCS):
                os.write(fd, b"x" * 4096)
                os.fdatasync(fd)
            return SYNCS / (time.perf_counter() - began)
        finally:
            os.close(fd)


if __name__ == "__main__":
    sys.exit(main())
