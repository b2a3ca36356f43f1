"""List servers that nobody here wrote, run on loopback over SQLite, and polled by `type: rest`."""
