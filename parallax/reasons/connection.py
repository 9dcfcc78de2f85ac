"""The reasons of a connection, whatever is spoken on it."""

from parallax.reasons.reason import Reason

REASONS: dict[str, Reason] = {
    "connect_refused": Reason("nothing listens on the port", "target", "is the service running on this address?"),
    "connect_unreachable": Reason(
        "no route to the address", "network", "routing towards this network; compare with other vantages"
    ),
    "connect_timeout": Reason(
        "no answer to the connection attempt", "target", "is the host up, or does a firewall drop packets?"
    ),
    "connection_reset": Reason(
        "the connection was reset by the other side", "target", "the service's log at this moment; a middlebox"
    ),
    "connection_closed": Reason(
        "the connection was closed before an answer", "target", "the service's log at this moment"
    ),
}
