"""Carries out what failover decides: the registry ACTIONS, and the reader of `events` that runs them."""
