"""The plan's keeper: watches the files, holds the versions, serves each probe its part.

The rules are in collector.rollout; here is the I/O around them. Every version and every change is a record in
`inputs`, written before it takes effect. The texts of the versions that matter stand in one of the journal's marks
too, so that the plan in force outlives its record. And whoever reads `inputs` from its oldest record on must find the
plan there: when the journal's bounds have taken its record away, it is written anew.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import trio

from collector.editions import Edition, Served, Stored, Text
from collector.fleet import Fleet
from collector.inputs import PlanInput, PlanStateInput, encode_input
from collector.reports import Report
from collector.rollout import (
    Candidate,
    Change,
    Event,
    Heard,
    Loaded,
    RollBack,
    Rollout,
    Tick,
    Version,
    step,
)
from parallax.clock import NS, wall_ns
from parallax.journal import Entry, Journal, JournalBusy, JournalError, JournalFull
from parallax.log import get_log
from parallax.plan.load import load_plan_source
from parallax.plan.part import NoSuchProbe
from parallax.plan.source import PlanErrors, PlanSource, plan_paths, read_plan_source
from parallax.plan.types import Check, Plan

MARK = "plan"
WATCH_S = 0.4
"""Between two looks at the files. A change is loaded at the second look that finds it, so not in mid-save."""
RACY_NS = 2 * NS
_NEVER = -1
_log = get_log(__name__)
_Fingerprint = tuple[tuple[str, int, int, int], ...]


class Plans:
    """The versions of the plan. One task runs `run`; the rest may be called from any request."""

    def __init__(self, path: Path, inputs: Journal, fleet: Fleet) -> None:
        self._path, self._inputs, self._fleet = path, inputs, fleet
        self._editions: dict[str, Edition] = {}
        self._state = Rollout()
        self._lock = trio.Lock()
        self._changed = trio.Event()
        self._seen: _Fingerprint | None = None
        self._written_after = 0
        self._waits_for: type[Exception] | None = None
        self._send, self._reports = trio.open_memory_channel[Report](100)
        self.problems: list[str] = []
        self.lost_reports = 0

    async def open(self) -> None:
        """Restores what was in force, and loads the files. Afterwards `problems` says what is wrong with them."""
        await trio.to_thread.run_sync(self._restore)
        await self._load()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watches the files and moves the rollout on, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            nursery.start_soon(self._hear)
            task_status.started()

    def write_again(self, after: int) -> None:
        """For a reader of `inputs` that knows no plan and reads on after this position: the plan in force is written
        again at the next look, if its record lies before."""
        if after > self._written_after:
            self._written_after = _NEVER

    def report(self, report: Report) -> None:
        """Takes note of a batch; never waits."""
        trial = self._state.candidate
        if trial and trial.canary == report.probe:
            try:
                self._send.send_nowait(report)
            except trio.WouldBlock:
                self.lost_reports += 1  # a later one says the same

    @property
    def state(self) -> Rollout:
        return self._state

    @property
    def plan(self) -> Plan:
        """The plan in force. There is one once `open` has found one; the collector does not start without."""
        assert self._state.in_force is not None
        return self.edition(self._state.in_force).plan

    def hash_for(self, probe: str) -> str | None:
        """The hash of the part that a probe is served now; None where there is none for it."""
        version = self._state.version_for(probe)
        part = version.part(probe) if version else None
        return part.hash if part else None

    def checks_of(self, probe: str) -> list[Check]:
        """The checks that a probe runs by the version it is served, by the one in force, and by the one before, which
        its runs under way may still be of."""
        served, state = self._state.version_for(probe), self._state
        versions = [version for version in (served, state.in_force, *state.previous[:1]) if version is not None]
        plans = [self._editions[digest].plan for digest in dict.fromkeys(version.digest for version in versions)]
        return [
            check
            for plan in plans
            if not plan.probe or any(each.id == probe for each in plan.probe)
            for check in plan.check
            if not check.probes or probe in check.probes
        ]

    async def serve(self, probe: str) -> Served | NoSuchProbe | None:
        """The part for a probe; None while there is no plan at all."""
        version = self._state.version_for(probe)
        if version is None:
            return None
        return await trio.to_thread.run_sync(self._editions[version.digest].serve, probe)

    async def wait_other(self, probe: str, hash: str) -> None:  # noqa: A002
        """Returns once the probe is served another part than the one with this hash."""
        while self.hash_for(probe) == hash:
            await self._changed.wait()

    async def wait_in_force_other(self, hash: str) -> None:  # noqa: A002
        """Returns once the plan in force is another than the one with this hash."""
        while self._state.in_force is not None and self._state.in_force.hash == hash:
            await self._changed.wait()

    async def roll_back(self, actor: str) -> list[Change]:
        """Goes back to the version before, or ends the trial under way; nothing where there is no way back.

        Raises JournalBusy, JournalFull, JournalError: nothing was changed then."""
        return await self._apply(RollBack(actor=actor, at=wall_ns()))

    def edition(self, version: Version) -> Edition:
        return self._editions[version.digest]

    async def _watch(self) -> None:
        while True:
            await trio.sleep(WATCH_S)
            await self._look()
            await self._write_anew()
            if self._state.candidate:
                await self._try(Tick(connected=self._fleet.connected(wall_ns()), at=wall_ns()))

    async def _look(self) -> None:
        before = await trio.to_thread.run_sync(_fingerprint, self._path)
        if before != self._seen:
            await trio.sleep(WATCH_S)
            if before == await trio.to_thread.run_sync(_fingerprint, self._path):
                await self._load()

    async def _write_anew(self) -> None:
        """Writes the plan in force and the trial under way again, where the journal has dropped their records."""
        if self._inputs.stats.first <= self._written_after + 1:
            return
        async with self._lock:
            state, at, why = self._state, wall_ns(), "its record is out of reach"
            if state.in_force is None:
                return
            changes = [Change(change="promoted", version=state.in_force, at=at, why=why)]
            if trial := state.candidate:
                changes.append(Change(change="candidate", version=trial.version, at=at, why=why))
                if trial.canary:
                    changes.append(Change(change="canary", version=trial.version, at=at, canary=trial.canary, why=why))
            try:
                await self._write(changes, state)
            except (JournalBusy, JournalFull, JournalError):
                return  # at the next look again

    async def _hear(self) -> None:
        async for report in self._reports:
            await self._try(Heard(report=report))

    async def _load(self) -> None:
        """Loads the files and offers what they hold; a fault in them leaves everything as it is."""
        seen = await trio.to_thread.run_sync(_fingerprint, self._path)
        try:
            edition = await trio.to_thread.run_sync(self._read)
        except PlanErrors as errors:
            problems = [str(problem) for problem in errors.problems]
            if problems != self.problems and self.state.in_force is not None:  # else the start says it and fails
                _log.error("the plan's files are refused; the old plan stays", problems=problems[:20])
            self.problems = problems
            self._seen = _settled(seen)
            return
        if self.problems:
            _log.info("the plan's files are right again")
        self.problems = []
        at = wall_ns()
        event = Loaded(version=edition.version, connected=self._fleet.connected(at), at=at)
        if await self._try(event, edition):
            self._seen = _settled(seen)

    def _read(self) -> Edition:
        source = read_plan_source(self._path)
        kept = self._editions.get(source.hash)
        return kept or Edition(source, load_plan_source(source))

    async def _try(self, event: Event, edition: Edition | None = None) -> bool:
        """Applies an event; False where the journal does not take it, and it must be tried again."""
        try:
            await self._apply(event, edition)
        except (JournalBusy, JournalFull, JournalError) as error:
            if isinstance(error, JournalError) and self._state.in_force is None:
                raise  # at the start; later on, whether the collector must end is for `main` to see
            if type(error) is not self._waits_for:
                _log.warning("a change of the plan waits for the journal", why=str(error))
            self._waits_for = type(error)
            return False
        self._waits_for = None
        return True

    async def _apply(self, event: Event, edition: Edition | None = None) -> list[Change]:
        async with self._lock:
            if edition:
                self._editions[edition.version.digest] = edition
            state, changes = await trio.to_thread.run_sync(step, self._state, event)
            if changes:
                await self._write(changes, state)
            self._state = state
            self._forget()
        if changes:
            self._changed.set()
            self._changed = trio.Event()
        for change in changes:
            _log.info(
                f"plan {change.change.replace('_', ' ')}",
                plan=change.version.hash,
                **{key: text for key in ("canary", "actor", "why") if (text := getattr(change, key))},
            )
        return changes

    async def _write(self, changes: Sequence[Change], state: Rollout) -> None:
        """Appends the changes, and the state after them as the mark. Raises JournalBusy, JournalFull."""
        entries = [entry for change in changes for entry in self._entries(change)]
        promoted = any(change.change == "promoted" for change in changes)
        written_after = self._inputs.stats.last if promoted else self._written_after
        with trio.CancelScope(shield=True):
            await self._inputs.append(entries, {MARK: self._stored(state, written_after)})
        self._written_after = written_after

    def _entries(self, change: Change) -> Sequence[Entry]:
        version = change.version
        state = PlanStateInput(
            at=change.at,
            change=change.change,
            digest=version.digest,
            hash=version.hash,
            canary=change.canary,
            actor=change.actor,
            why=change.why,
        )
        entries = [encode_input(state, at_ns=change.at)]
        if change.change in ("candidate", "promoted"):
            files = self._editions[version.digest].source.files
            text = PlanInput(at=change.at, digest=version.digest, hash=version.hash, files=files)
            entries.insert(0, encode_input(text, at_ns=change.at))
        return entries

    def _forget(self) -> None:
        """Drops the editions that the state no longer has."""
        kept = {version.digest for version in _versions(self._state)}
        self._editions = {digest: edition for digest, edition in self._editions.items() if digest in kept}

    def _stored(self, state: Rollout, written_after: int) -> bytes:
        def text(version: Version) -> Text:
            return Text(self._editions[version.digest].source.files)

        return msgspec.msgpack.encode(
            Stored(
                in_force=text(state.in_force) if state.in_force else None,
                previous=tuple(text(version) for version in state.previous),
                candidate=text(state.candidate.version) if state.candidate else None,
                canary=state.candidate.canary if state.candidate else None,
                refused=state.refused,
                written_after=written_after,
            )
        )

    def _restore(self) -> None:
        raw = self._inputs.mark(MARK)
        if raw is None:
            return
        try:
            stored = msgspec.msgpack.decode(raw, type=Stored)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            _log.error("the stored plan does not decode; the files are loaded as the first plan")
            return
        previous = [edition for text in stored.previous if (edition := self._revive(text))]
        in_force = self._revive(stored.in_force)
        candidate = self._revive(stored.candidate)
        now = wall_ns()
        self._written_after = stored.written_after
        self._state = Rollout(
            in_force=in_force.version if in_force else None,
            previous=tuple(edition.version for edition in previous),
            candidate=Candidate(version=candidate.version, canary=stored.canary, heard_at=now)
            if candidate and in_force
            else None,
            refused=stored.refused,
        )

    def _revive(self, text: Text | None) -> Edition | None:
        if text is None:
            return None
        source = PlanSource(text.files)
        if source.hash not in self._editions:
            try:
                self._editions[source.hash] = Edition(source, load_plan_source(source))
            except PlanErrors as errors:  # by an older program, whose rules were looser
                _log.error("a stored version of the plan is not read any more", problems=[str(errors)[:500]])
                return None
        return self._editions[source.hash]


def _versions(state: Rollout) -> list[Version]:
    trial = [state.candidate.version] if state.candidate else []
    return [*([state.in_force] if state.in_force else []), *state.previous, *trial]


def _settled(seen: _Fingerprint) -> _Fingerprint | None:
    """None while a file is so fresh that it could be written again within the same tick of its clock."""
    now = wall_ns()
    return None if any(0 <= now - mtime < RACY_NS for _, mtime, _, _ in seen) else seen


def _fingerprint(path: Path) -> _Fingerprint:
    """What changes when a file is written, replaced, added or taken away; empty where nothing can be seen."""
    try:
        stats = [(p.name, p.stat()) for p in plan_paths(path)[:2000]]
    except OSError:
        return ()
    return tuple((name, s.st_mtime_ns, s.st_size, s.st_ino) for name, s in stats)
