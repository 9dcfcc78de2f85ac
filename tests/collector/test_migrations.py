"""Detection's snapshot over releases: what an earlier one left is gone on with, and what a later one added is passed
over by this one, as an upgrade is taken back with the state as it is. The journals' format: tests/parallax/
test_journal.py; the history's: tests/collector/history."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.detect import State, StateError, decode_state, encode_state, initial, step
from collector.detect.state import VERSION
from collector.events import Event, IncidentChanged
from parallax.journal import Record
from parallax.values import encode_value
from tests.collector.test_detector import entries

VECTORS = Path(__file__).parent.parent / "vectors"
ROUNDS = 40
IN_AN_OUTAGE = 12
"""After so many rounds of `entries` an incident is open; the golden snapshots are from there."""


def _records() -> Iterator[Record]:
    for position, entry in enumerate(entries(ROUNDS), 1):
        yield Record(position=position, kind=entry.kind, body=entry.body, at_ns=entry.at_ns, count=entry.count)


def _go_on(state: State) -> list[Event]:
    events: list[Event] = []
    for record in _records():
        if record.position > state.position:
            state, more = step(state, record)
            events += more
    return events


def _left_by_this_release() -> State:
    state = initial("0" * 16)
    for record in _records():
        if record.position > 2 + 5 * IN_AN_OUTAGE:
            break
        state, _ = step(state, record)
    return state


def test_each_version_that_is_read_has_a_golden_snapshot() -> None:
    kept = {int(path.stem.partition("-")[2]) for path in VECTORS.glob("snapshot-*.msgpack")}
    assert VERSION in kept, "a release that raises it keeps a snapshot of the one before, and says what becomes of it"


@pytest.mark.parametrize("path", sorted(VECTORS.glob("snapshot-*.msgpack")), ids=lambda path: path.stem)
def test_what_an_earlier_release_left_is_gone_on_with(path: Path) -> None:
    state = decode_state(path.read_bytes())
    before = state.events
    (open_one,) = state.open
    events = _go_on(state)
    said = [event.data for event in events if isinstance(event.data, IncidentChanged)]
    assert [(data.change, data.incident.id) for data in said] == [("monitoring", open_one), ("reopened", open_one)]
    assert [event.id for event in events] == [f"{'0' * 16}-{before + n}" for n in range(1, len(events) + 1)]


def test_what_a_later_release_added_is_passed_over() -> None:
    state = _left_by_this_release()
    assert state.open
    later = msgspec.msgpack.encode(_with_additions(state), enc_hook=encode_value)
    assert len(later) > len(encode_state(state)) + 100
    assert decode_state(later) == state
    assert _go_on(decode_state(later)) == _go_on(decode_state(encode_state(state)))


def test_a_later_format_is_refused_in_words() -> None:
    state = _left_by_this_release()
    state.version = VERSION + 1
    words = f"the snapshot has version {VERSION + 1}; this program knows {VERSION}"
    with pytest.raises(StateError, match=re.escape(words)):
        decode_state(encode_state(state))


def _with_additions(value: Any) -> Any:
    """The same as plain values, with a further field in every struct, as later releases add some."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        fields = [_with_additions(getattr(value, name)) for name in value.__struct_fields__]
        if config.array_like:
            return ([config.tag] if config.tag is not None else []) + [*fields, "later"]
        tagged = {config.tag_field: config.tag} if config.tag is not None else {}
        return {**tagged, **dict(zip(value.__struct_encode_fields__, fields, strict=True)), "of a later release": [1]}
    if isinstance(value, dict):
        return {key: _with_additions(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_with_additions(item) for item in value]
    return value
