"""Failover groups as observations show them: who serves whom, switchovers, who is ready; and what is decided then."""
