"""Read the fields of a vendor's record: whatever was sent becomes a value of ours, or None."""
