"""The ways to read a vendor's list to its end: pages, and ranges cut into smaller ones."""
