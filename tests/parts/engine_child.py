"""Detection's own process with a bug: prints where answers go, cannot take the fifth record, and hangs at the ninth
the first time (while the file named by ENGINE_HANGS is there)."""

import os
import time
from pathlib import Path

from collector.detect import State, step
from collector.engine.child import main
from collector.events import Event
from parallax.journal import Record


def poisoned(state: State, record: Record) -> tuple[State, list[Event]]:
    print("between the answers", flush=True)
    if record.position == 5:
        state.events += 1000
        raise ZeroDivisionError
    mark = Path(os.environ["ENGINE_HANGS"])
    if record.position == 9 and mark.exists():
        mark.unlink()
        time.sleep(3600)
    return step(state, record)


main(poisoned)
