"""The engine: which sources run here, whose turn it is, one page at a time, and who waits how long after a failure."""
