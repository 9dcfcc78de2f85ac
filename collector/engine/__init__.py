"""Where detection runs: holds its state, takes records, and says what is known.

    Here     in the collector's event loop, which it shares with ingest and history
    Apart    in a process of its own, which leaves them the interpreter

Both do the same with the same records: `Core` does it. Who reads the journals and saves what was concluded is
`collector.detector`; an engine knows neither.
"""

from collector.engine.apart import Apart
from collector.engine.core import Core, Step
from collector.engine.engine import Engine, EngineFailed, EngineLost
from collector.engine.here import Here
from collector.engine.values import Shown, Standing, Taken

__all__ = ["Apart", "Core", "Engine", "EngineFailed", "EngineLost", "Here", "Shown", "Standing", "Step", "Taken"]
