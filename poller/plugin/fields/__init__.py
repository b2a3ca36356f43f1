"""How the fields of a vendor's record are read: whatever was sent becomes a value of ours, or null."""
