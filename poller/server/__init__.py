"""What a running poller answers over HTTP: health, metrics, the status page, and orders over its control socket."""
