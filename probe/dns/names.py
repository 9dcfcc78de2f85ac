"""Names above and below each other: canonical text (values.DnsName), "." the root. Pure."""

from collections.abc import Iterator


def is_under(name: str, zone: str) -> bool:
    """Whether the name is the zone's own or below it."""
    return zone == "." or name == zone or name.endswith(f".{zone}")


def is_below(name: str, zone: str) -> bool:
    """Whether the name is strictly below the zone."""
    return name != zone and is_under(name, zone)


def above(name: str) -> str:
    """The name without its first label; the root above a single label, and above itself."""
    return name.partition(".")[2] or "."


def upwards(name: str) -> Iterator[str]:
    """The name, then each name above it, the root last."""
    while name != ".":
        yield name
        name = above(name)
    yield "."


def target_of(text: str) -> str:
    """The canonical name in the data of an NS or CNAME record, or the last field of an MX or SRV."""
    return text.rpartition(" ")[2].lower().removesuffix(".") or "."
