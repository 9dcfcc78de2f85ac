"""The probes themselves: silent, astray, enough of them or not."""
