"""Chaos runs: real pollers that are killed and cut off, and the laws that hold all the same."""
