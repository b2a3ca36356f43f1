"""The answers of a running poller over HTTP: health, metrics, the status page, and orders over its control socket."""
