"""Verdicts that kinds share: on a connection, on a lookup, on a DNS exchange that brought no answer. Pure."""
