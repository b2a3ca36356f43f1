"""Loss of power: what was not synced to the disk is dropped, or torn."""
