"""What is known of zones, delegations and caches beyond the verdicts on them."""
