"""Detection's own process with a bug: prints where answers go, cannot take the fifth record, says what cannot be
written at the seventh, hangs at the ninth the first time (while the file named by ENGINE_HANGS is there), and ends at
the eleventh each time."""

import os
import time
from pathlib import Path

from collector.detect import State, step
from collector.engine.child import main
from collector.events import Event, Noticed
from parallax.journal import Record


def poisoned(state: State, record: Record) -> tuple[State, list[Event]]:
    print("between the answers", flush=True)
    if record.position == 5:
        state.events += 1000
        raise ZeroDivisionError
    if record.position == 7:
        return state, [Event(id="1", at=record.at_ns, cause=7, data=Noticed(word="weekly_test", title="\ud800"))]
    mark = Path(os.environ["ENGINE_HANGS"])
    if record.position == 9 and mark.exists():
        mark.unlink()
        time.sleep(3600)
    if record.position == 11:
        os._exit(3)
    return step(state, record)


main(poisoned)
