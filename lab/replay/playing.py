"""A file to what is played of it: a script's world, a script's recording, a recording, or a collector's journal."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from collector.detect.asking.asks import asks_of
from collector.detect.view import view_of
from collector.events import Event
from collector.recording import form_of, inputs_of, read_header, read_inputs, read_recording
from lab.replay.expectations import Outage, Outcome, Played, outcomes_of
from lab.replay.fleet import Fleet
from lab.replay.loading import Loaded, load_script
from lab.replay.player import SEED, Player
from lab.replay.script import Script, ns_of
from parallax.journal import Record

INCIDENTS = Path(__file__).with_name("incidents")
"""The scripts that come with this program."""
Tell = Callable[[Record, Player], None]


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be played. `script` is None for a recording that nobody wrote one for."""

    file: Path
    loaded: Loaded | None = None
    records: Path | None = None
    """A recording or a journal; None for a world."""

    @property
    def script(self) -> Script | None:
        return self.loaded.script if self.loaded else None


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """A piece as it was played, with one seed."""

    seed: int
    played: Played
    outcomes: list[Outcome]

    @property
    def missed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.met]


def incidents() -> list[str]:
    """The names of the scripts that come with this program."""
    return sorted(file.stem for file in INCIDENTS.glob("*.toml") if not file.stem.endswith(".plan"))


def open_piece(path: Path) -> Piece:
    """What a file or a state folder is. A recording `x.journal` may have its script beside it, `x.toml`.

    Raises ScriptErrors, RecordingError."""
    if path.is_dir():
        return Piece(file=path, records=inputs_of(path))
    if path.suffix != ".toml" and path.exists() and form_of(path):
        beside = path.with_suffix(".toml")
        if beside.is_file() and (loaded := load_script(beside)).journal == path:
            return Piece(file=path, loaded=loaded, records=path)
        return Piece(file=path, records=path)
    loaded = load_script(path)
    return Piece(file=path, loaded=loaded, records=loaded.journal)


def perform(piece: Piece, seed: int = 0, tell: Tell = lambda record, player: None) -> Performance:
    """Plays it to the end; `tell` gets every record, after it was played. Raises RecordingError."""
    player = Player(seed_of(piece))
    fleet: Fleet | None = None
    first = last = 0
    if piece.records is None:
        assert piece.loaded is not None
        fleet = Fleet(piece.loaded, seed)
    for record in fleet or records_of(piece):
        events = player.put(record)
        if fleet is not None:
            heed(fleet, player, record, events)
        first, last = first or record.at_ns, record.at_ns
        tell(record, player)
    played = played_of(piece, player, fleet, first, last)
    script = piece.script
    return Performance(
        seed=seed, played=played, outcomes=outcomes_of(script.expect, played) if script is not None else []
    )


def heed(fleet: Fleet, player: Player, record: Record, events: Sequence[Event]) -> None:
    """The fleet does what detection asks for, and traffic goes where groups move it."""
    if events:
        fleet.obey(events, record.at_ns)
    if player.state.inquiries.open:
        view = view_of(player.state.plan)
        if view is not None:
            fleet.heed(asks_of(player.state, view), record.at_ns)


def records_of(piece: Piece) -> Iterator[Record]:
    """The records of a recording or a journal. Raises RecordingError."""
    assert piece.records is not None
    return read_recording(piece.records) if form_of(piece.records) == "recording" else read_inputs(piece.records)


def seed_of(piece: Piece) -> str:
    """Of the ids of events: as live, where that is known."""
    if piece.records is not None and form_of(piece.records) == "recording":
        return read_header(piece.records).seed or SEED
    return SEED


def played_of(piece: Piece, player: Player, fleet: Fleet | None, first: int, last: int) -> Played:
    script = piece.script
    return Played(
        start=ns_of(script.window.start) if script is not None else first,
        end=ns_of(script.window.end) if script is not None else last,
        events=player.events,
        told=player.told,
        outages=[
            Outage(what=f"{each.place} {each.name}".strip(), start=each.start, end=each.end)
            for each in (fleet.world.broken if fleet is not None else ())
            if each.place != "probe"
        ],
        records=player.records,
        observations=player.observations,
        kinds=player.kinds,
        groups=player.groups,
        bad_minutes=fleet.world.bad_minutes(first, last) if fleet is not None and fleet.world.driven else None,
    )
