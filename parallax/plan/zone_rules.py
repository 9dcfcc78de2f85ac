"""What the keys of a dns.zone check must keep among each other. Pure."""

from collections.abc import Iterator

from parallax.loading.convert import Fault, good
from parallax.loading.problems import shown
from parallax.plan.dns_specs import ZoneSpec


def zone_faults(spec: ZoneSpec) -> Iterator[Fault]:
    """Faults of a draft: what did not convert is passed over."""
    if not good(spec.zone):
        return
    if spec.zone == ".":
        yield Fault(("zone",), "is the root, which nothing delegates; write a zone below it")
    for key, name in (("data", spec.data), ("marker", spec.marker)):
        if good(name) and name is not None and name != spec.zone and not name.endswith(f".{spec.zone}"):
            yield Fault((key,), f"{shown(name)} is no name in the zone {spec.zone}; write one, like www.{spec.zone}")
    if good(spec.servers):
        for place, server in enumerate(spec.servers):
            if good(server) and server in spec.servers[:place]:
                yield Fault(("servers", place), f"{shown(str(server))} is there already")
