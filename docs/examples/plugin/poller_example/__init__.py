"""A source (`type: acme`) and an output (`type: webhook`) for poller."""
