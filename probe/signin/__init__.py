"""Whole sign-ins as a check: a browser with cookies, a backchannel beside it, and flows of named steps."""
