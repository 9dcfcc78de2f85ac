"""The fault domain from who fails and who passes: `locate` infers it, `sentences` says why. Pure, and it knows nothing
of checks, incidents or time: rows in, causes out."""

from collector.locate.causes import AMBIGUOUS_NATS, Cause, Located, locate
from collector.locate.rows import Place, PlaceKind, Row, aggregate
from collector.locate.words import sentences

__all__ = ["AMBIGUOUS_NATS", "Cause", "Located", "Place", "PlaceKind", "Row", "aggregate", "locate", "sentences"]
