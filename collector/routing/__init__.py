"""Who is told of what, and of what not: pure. Conclusions in, alerts for named receivers out, step by step with
detection, so that a replay says who would have been told."""
