"""The changes that a page, a complete pass or a failure makes to a stream's checkpoint, without clock and I/O."""
