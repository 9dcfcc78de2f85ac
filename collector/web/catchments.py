"""The map of one address's catchment: each probe a line to the site that answers it, where the plan says where both
stand; else a pin with its site's name. Pure."""

import msgspec

from collector.board import Board, CatchmentBoard
from collector.web.geo import HEIGHT, RADIUS, WIDTH, place_pins, project
from collector.web.words import measured_ns

SHADES = 8
"""Colours that style sheets have; sites past them share. A name is always beside the colour."""


class SiteMark(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    at: tuple[float, float]
    shade: int


class ProbeMark(msgspec.Struct, frozen=True, kw_only=True):
    """A probe and the site that answers it. `to` is None where the site's place is not known."""

    id: str
    at: tuple[float, float]
    to: tuple[float, float] | None
    shade: int
    site: str
    title: str
    label: str
    """Empty where there is no room for one."""
    label_at: tuple[float, float]


class CatchmentMap(msgspec.Struct, frozen=True, kw_only=True):
    width: float = WIDTH
    height: float = HEIGHT
    radius: float = RADIUS
    sites: tuple[SiteMark, ...]
    probes: tuple[ProbeMark, ...]
    elsewhere: tuple[str, ...]
    """Probes whose place the plan does not say."""


def shades(catchment: CatchmentBoard) -> dict[str, int]:
    """A colour for each site, by its place in the list."""
    return {site.name: number % SHADES for number, site in enumerate(catchment.sites)}


def catchment_map(board: Board, catchment: CatchmentBoard) -> CatchmentMap:
    """The map of one address."""
    shade, places = shades(catchment), {probe.id: probe.location for probe in board.probes}
    located = {site.name: project(*site.location) for site in catchment.sites if site.location is not None}
    placed = [(caught, place) for caught in catchment.caught if (place := places.get(caught.probe)) is not None]
    pins = place_pins([(f"{caught.probe}: {caught.site}", place) for caught, place in placed])
    probes = []
    for (caught, _), pin in zip(placed, pins, strict=True):
        facts = [f", {measured_ns(caught.rtt_ns)}"] if caught.rtt_ns is not None else []
        facts += [", far from the nearest"] if caught.remote else []
        facts += (
            [f", {caught.flip_share:.0%} of answers from elsewhere".replace("%", " %")] if caught.flip_share else []
        )
        probes.append(
            ProbeMark(
                id=caught.probe,
                at=pin.at,
                to=_round(located.get(caught.site)),
                shade=shade.get(caught.site, 0),
                site=caught.site,
                title=f"{caught.probe} reaches {caught.site}{''.join(facts)}",
                label=pin.label or "",
                label_at=pin.label_at,
            )
        )
    return CatchmentMap(
        sites=tuple(SiteMark(name=name, at=_round(at) or at, shade=shade[name]) for name, at in located.items()),
        probes=tuple(probes),
        elsewhere=tuple(caught.probe for caught in catchment.caught if places.get(caught.probe) is None),
    )


def _round(at: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if at is None else (round(at[0], 1), round(at[1], 1))
