"""What `bench.detect` is made of: a world of noise and outages, the rules of others, ours, and the pictures."""
