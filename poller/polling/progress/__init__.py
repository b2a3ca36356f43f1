"""What a page, a complete pass or a failure changes in a stream's checkpoint; reads no clock and does no I/O."""
