"""For clients of servers on loopback that speak no TLS."""

import ssl

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Where a client is given none, it reads a list of authorities: a tenth of a second, whatever it asks."""
