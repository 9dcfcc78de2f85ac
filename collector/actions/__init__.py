"""What decisions of failover groups do: the signed command and the dynamic update; a reader of `events`."""
