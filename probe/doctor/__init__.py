"""Whether a host is fit to be a probe, and what it lacks: facts are gathered at the edge (`gather`), judged by pure
rules (`judge`)."""
