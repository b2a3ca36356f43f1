"""contestants."""
