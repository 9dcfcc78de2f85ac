"""Whom to ask to look again, and at what."""
