"""Anycast: which site answers whom, and what changed in that."""
