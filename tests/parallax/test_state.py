import os
import subprocess
import sys
from pathlib import Path

import pytest

from parallax.state import StartError, lock_state_folder, write_private


def test_a_second_instance_gets_one_line(tmp_path: Path) -> None:
    with lock_state_folder(tmp_path / "state") as state:
        assert state.stat().st_mode & 0o777 == 0o700
        with pytest.raises(StartError) as caught, lock_state_folder(state):
            pass
    assert str(caught.value) == (
        f"the state folder {state} is in use by process {os.getpid()}; stop that one, or set another `state`"
    )


def test_the_lock_ends_with_the_block_and_with_the_process(tmp_path: Path) -> None:
    with lock_state_folder(tmp_path):
        pass
    code = (
        "import os, sys, pathlib; from parallax.state import lock_state_folder\n"
        "lock_state_folder(pathlib.Path(sys.argv[1])).__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    with lock_state_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError) as caught, lock_state_folder(tmp_path / "file" / "state"):
        pass
    assert str(caught.value) == (
        f"the state folder {tmp_path}/file/state cannot be written: Not a directory; "
        "give it to this user, or set another `state`"
    )


def test_a_written_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_does_not_hinder_the_lock(tmp_path: Path) -> None:
    code = (
        "import pathlib, resource, signal, sys; from parallax.state import lock_state_folder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "with lock_state_folder(pathlib.Path(sys.argv[1])) as state: print(state)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(tmp_path)
