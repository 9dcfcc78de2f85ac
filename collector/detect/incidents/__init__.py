"""Incidents: what belongs together, where the fault is, what is said of it and when."""
