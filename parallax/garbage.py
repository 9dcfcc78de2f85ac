"""How often a program looks for cycles among its objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sparing_collections(young: int) -> Iterator[None]:
    """Looks once `young` objects are more than have gone again, seldom at older ones, and never at what the imports
    made. What comes in is thousands of objects that live for a moment and hold no cycles: at the usual 700 each batch
    or run would set off several collections, which cost up to five times what its decoding does."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(young, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()  # what stays frozen is never freed, and DuckDB's binding complains of that on stderr
