"""What each command does, without a terminal: a file each."""
