"""What lets a client in: passwords, certificates, a token."""

import base64
import json
import time
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

PASSWORDS = {"alice": "wonderland-SECRET", "bob": "builder-SECRET"}
"""Alice may do everything. Bob may do what a test allows him."""
CERTIFICATE = "carol"
"""Carol has a certificate, and may do everything."""


class Tickets:
    """Certificates below `folder`: `broker` is for its key store, `client` for ours; `stranger` nobody trusts.

    Clients trust what `authority` has signed, and the broker what `trusted` has: the same at first.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        authority, other = trustme.CA(), trustme.CA()
        self.authority, self.other = folder / "ca.pem", folder / "other-ca.pem"
        self.trusted = folder / "trusted.pem"
        for file in (self.authority, self.trusted):
            authority.cert_pem.write_to_path(file)
        other.cert_pem.write_to_path(self.other)
        self.broker = _both(authority.issue_cert("127.0.0.1", common_name="broker"), folder / "broker.pem")
        self.client = _both(authority.issue_cert("carol@example.com", common_name="carol"), folder / "client.pem")
        self.stranger = _both(other.issue_cert("carol@example.com", common_name="carol"), folder / "stranger.pem")


def _both(leaf: trustme.LeafCert, path: Path) -> Path:
    """Write key and certificates into one file; Java reads no other form of key than PKCS 8."""
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    return path


def token(who: str) -> str:
    """Make the unsigned token that a broker with Kafka's own example of a validator takes (RFC 7519 section 6)."""
    now = int(time.time())
    parts = {"alg": "none"}, {"sub": who, "iat": now - 60, "exp": now + 3600}
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."
