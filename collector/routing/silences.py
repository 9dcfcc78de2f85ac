"""Silences, as people command them. Pure."""

from collector.inputs import CommandInput
from collector.routing.state import MAX_SILENCES, MAX_SPAN_NS, Routing, Silence
from parallax.plan.alert_types import Match

SILENCE, SILENCE_END = "silence", "silence_end"
"""The words of commands. Arguments of the first: the keys of [[route]]'s `match`, each with its words; `key`, ids of
incidents or keys of alerts; `until`, ns since the Unix epoch; `comment`. Of the second: `id`."""
MATCHED = ("severity", "component", "cause", "failover", "type", "tier")
MAX_WORDS, MAX_TEXT, MAX_ACTOR = 100, 500, 100


def command_silences(state: Routing, command: CommandInput, now: int) -> bool:
    """Takes a command; whether it changed anything. One that says nothing to silence, that is over already, or that is
    one too many changes nothing."""
    for silence in [each for each in state.silences.values() if each.until <= now]:
        del state.silences[silence.id]
    given = command.arguments
    if command.word == SILENCE_END:
        return state.silences.pop((given.get("id") or [""])[0], None) is not None
    if command.word != SILENCE or len(state.silences) >= MAX_SILENCES:
        return False
    words = {name: list(given.get(name, ()))[:MAX_WORDS] for name in MATCHED}
    words["tier"] = [word for word in words["tier"] if word in ("page", "ticket", "log")]
    keys = tuple(given.get("key", ())[:MAX_WORDS])
    until = min(_number(given.get("until")), now + MAX_SPAN_NS)
    if until <= now or not (keys or any(words.values())):
        return False
    state.silenced += 1
    silence = Silence(
        id=f"s{state.silenced}",
        match=Match(**words),  # type: ignore[arg-type]
        keys=keys,
        author=command.actor[:MAX_ACTOR] or "somebody",
        comment=(given.get("comment") or [""])[0][:MAX_TEXT],
        since=now,
        until=until,
    )
    state.silences[silence.id] = silence
    return True


def _number(texts: list[str] | None) -> int:
    text = (texts or [""])[0]
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 20 else 0
