"""Silences: what somebody wants nobody to be told of, for a while.

GET  /v1/silences      those in force
POST /v1/silences      {"match": {...}, "keys": [...], "until": TIME, "comment": TEXT}; `match` has the keys of
                       [[route]]'s, `keys` are ids of incidents and risks, or keys of alerts; "for_s": SECONDS may stand
                       instead of "until"
POST /v1/silences/end  {"id": ID}
"""

from collections.abc import Callable

import msgspec

from collector.answers import Refusal
from collector.commands.commands import CommandError, Commands, read_command
from collector.commands.spans import until_ns
from collector.inputs import CommandInput
from collector.routing.silences import MATCHED, MAX_TEXT, SILENCE, SILENCE_END
from collector.routing.state import MAX_SILENCES, MAX_SPAN_NS, Silence
from parallax.clock import wall_ns
from parallax.plan.alert_types import Match
from parallax.plan.route_rules import match_faults

MAX_KEYS = 100


class SilenceMatch(Match, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is silenced, with the keys of [[route]]'s `match`."""


class SilenceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    match: SilenceMatch = SilenceMatch()
    keys: list[str] = []
    until: str = ""
    for_s: float | None = None
    comment: str = ""


class SilenceEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str


class Silenced(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the silence; None where it has ended, or where detection is behind and has not taken it yet."""

    position: int
    silence: Silence | None


class SilenceCommands:
    """Begins and ends silences. `known` are those in force."""

    def __init__(self, commands: Commands, known: Callable[[], tuple[Silence, ...]]) -> None:
        self._commands, self.known = commands, known

    async def start(self, body: bytes, actor: str) -> Silenced | Refusal:
        """Raises CommandError."""
        wanted = read_command(body, SilenceBody)
        now = wall_ns()
        until = until_ns(wanted.until, wanted.for_s, now, MAX_SPAN_NS)
        words = {name: [str(word) for word in getattr(wanted.match, name)] for name in MATCHED}
        if not wanted.keys and not any(words.values()):
            raise CommandError('say what is to be silent: "match", with keys as in [[route]], or "keys"')
        for fault in match_faults(wanted.match, ("match",)):
            raise CommandError(f"{'.'.join(str(part) for part in fault.path)}: {fault.message}")
        if len(wanted.keys) > MAX_KEYS:
            raise CommandError(f'"keys" has {len(wanted.keys)} of them; {MAX_KEYS} are the most')
        before = {silence.id for silence in self.known()}
        if len(before) >= MAX_SILENCES:
            raise CommandError(f"there are {MAX_SILENCES} silences, all that there may be; end one first")
        comment = " ".join(wanted.comment.split())[:MAX_TEXT]
        given = {**words, "key": wanted.keys, "until": [str(until)], "comment": [comment]}
        given = {name: texts for name, texts in given.items() if texts}
        taken = await self._commands.take(CommandInput(at=now, word=SILENCE, actor=actor, arguments=given))
        if isinstance(taken, Refusal):
            return taken
        position, board = taken
        found = [silence for silence in self.known() if silence.id not in before and silence.author == actor]
        return Silenced(position=position, silence=found[-1] if found and board is not None else None)

    async def end(self, body: bytes, actor: str) -> Silenced | Refusal:
        """Raises CommandError."""
        id_ = read_command(body, SilenceEnd).id
        known = [silence.id for silence in self.known()]
        if id_ not in known:
            raise CommandError(f"there is no silence {id_[:40]!r}; in force are {', '.join(known[:20]) or 'none'}")
        command = CommandInput(at=wall_ns(), word=SILENCE_END, actor=actor, arguments={"id": [id_]})
        taken = await self._commands.take(command)
        return taken if isinstance(taken, Refusal) else Silenced(position=taken[0], silence=None)
