"""How a vendor's list is read to its end: pages, and ranges cut into smaller ones."""
