"""From a vendor's records to the messages that outputs deliver: what is new, what changed, how it is written."""
