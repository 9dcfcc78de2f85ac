"""A subject: from the words of probes to its state, and components from their subjects."""
