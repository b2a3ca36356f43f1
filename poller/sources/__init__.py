"""The vendors: one file each."""
