"""Requests and responses of HTTP, as checks and flows take them: bodies within bounds, redirects, assertions, bot
walls, the verdict on a response. What dials is parallax.dialling."""
