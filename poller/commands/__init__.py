"""The work of each command, without a terminal: one module each."""
