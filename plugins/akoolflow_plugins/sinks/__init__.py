"""Ways to watch."""
