"""What is said when a delegation or a chain is another one, and when a move begins. Pure."""

from collector.detect.dns.moving import Move
from collector.detect.dns.pictures import Picture, name_of
from collector.detect.dns.sights import Place
from collector.detect.view import View
from collector.events import Noticed, Severity
from parallax.plan.dns_specs import ChainSpec


def components_of(view: View, check: str) -> tuple[str, ...]:
    return tuple(each.name for each in view.components if check in each.checks or check in each.risks)


def notice_change(
    view: View, place: Place, before: Picture, after: Picture, expected: Severity | None = None
) -> Noticed:
    """Probes see it otherwise than before. `expected` is how much it weighs where somebody said that it would come."""
    if place.kind == "delegation":
        return Noticed(
            word="delegation_changed",
            title=f"The delegation of {place.name} changed",
            severity=expected or "warning",
            check=place.check,
            target=place.name,
            before=before.words,
            after=after.words,
            components=components_of(view, place.check),
            probes=tuple(probe for probe, sight in place.sights.items() if sight.sign == after.sign),
            why="the parent's servers name other name servers"
            if before.names != after.names
            else "the parent's servers have other DS records",
        )
    severity, why = _weigh(view, place.check, after.names)
    leads = f"leads to {after.names[-1]}" if after.names else "leads to no other name any more"
    return Noticed(
        word="chain_changed",
        title=f"{place.name} {leads}",
        severity=expected or severity,
        check=place.check,
        target=place.name,
        before=before.words,
        after=after.words,
        components=components_of(view, place.check),
        probes=tuple(probe for probe, sight in place.sights.items() if sight.sign == after.sign),
        why=why,
    )


def _weigh(view: View, check: str, names: tuple[str, ...]) -> tuple[Severity, str]:
    spec = view.checks[check].spec if check in view.checks else None
    if not isinstance(spec, ChainSpec) or not spec.expect:
        return "info", "the plan does not say where it should lead"
    stray = [name for name in names if name not in {*map(name_of, spec.expect), *map(name_of, spec.workaround)}]
    if stray:
        return "warning", f"the plan does not have {stray[0]}"
    around = [name for name in names if name in set(map(name_of, spec.workaround))]
    return "info", f"{around[0]} is a workaround of the plan" if around else "as the plan expects it"


def notice_start(view: View, move: Move) -> Noticed:
    what = "delegation" if move.kind == "delegation" else "chain"
    return Noticed(
        word="move_started",
        title=f"The {what} of {move.name} is on its way to the new {'set' if what == 'delegation' else 'names'}",
        check=move.check,
        target=move.name,
        before=move.shown(move.old),
        after=move.shown(move.new),
        components=components_of(view, move.check),
        why=f"started by {move.by}",
    )
