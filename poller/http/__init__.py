"""One source's session with its vendor: connections, credential, rate limit, and what an answer's status means."""
