"""The full disk: on a small file system of its own, in a mount namespace of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.slow

ON_A_SMALL_DISK = """
import os, sys, trio
from contextlib import suppress
from pathlib import Path
from tests.fakes.events import incident
from tests.fakes.histories import AT, some, world

journals, disk = Path(sys.argv[1]), Path(sys.argv[2])

async def main():
    async with world(journals) as here, here.running(disk / "history") as history:
        await here.take(*some(number=100))
        await here.settle(history)
        filler = disk / "filler"
        with filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        with trio.fail_after(60):
            while history.status.problem is None:
                found = {"noise": os.urandom(3000).hex()}
                await here.take(*some(AT + here.inputs.stats.last * 10**9, 50, reason="timeout", findings=found))
        print(history.status.problem)
        held = history.status.inputs.behind
        await here.conclude(incident(at=AT))
        filler.unlink()
        await here.settle(history)
        rows = (await history.query("SELECT count(*), count(DISTINCT seq) FROM observation")).rows
        assert rows == [[here.inputs.stats.things] * 2], rows
        assert history.status.problem is None
        assert history.status.inputs.missed == 0
        assert not list((disk / "history").glob("*damaged*"))
        print("whole")

trio.run(main)
"""


def test_a_full_disk_is_waited_for(tmp_path: Path):
    script, disk = tmp_path / "script.py", tmp_path / "disk"
    script.write_text(ON_A_SMALL_DISK)
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=24m tmpfs "{disk}" && exec "{sys.executable}" "{script}" "{tmp_path}" "{disk}"'
    done = subprocess.run(
        ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", mount],
        capture_output=True, text=True, cwd=ROOT, timeout=200, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode and ("unshare:" in done.stderr or "mount:" in done.stderr):
        pytest.skip(f"no file system of its own may be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert "the disk is full" in said[0]
    assert said[-1] == "whole"
