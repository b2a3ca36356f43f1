"""The simulated vendors: their records, their lives, and the requests that they answer."""
