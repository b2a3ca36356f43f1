"""Encryption of tokens in a topic that others may read: each can be decrypted as its own source's only."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import json
from pydantic import SecretStr

from poller.errors import ConfigError
from poller.plugin.credentials import Token
from poller.state.rows import encode


class TokenCipher:
    """A cipher for tokens: Fernet (https://github.com/fernet/spec), with a key per source, derived from `key`."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    def close(self, source: str, token: Token) -> bytes:
        """Encrypt a token. Raises ConfigError if there is no key."""
        return self._cipher(source).encrypt(encode(token))

    def open(self, source: str, closed: bytes) -> Token:
        """Decrypt a token. Raises ConfigError if it was encrypted with another key."""
        try:
            return json.decode(self._cipher(source).decrypt(closed), type=Token)
        except InvalidToken:
            raise ConfigError(
                f"state.token_key: the stored token of source {source} was encrypted with another key; put that one "
                "back, or reset the state of this source and log in to the vendor anew"
            ) from None

    def _cipher(self, source: str) -> Fernet:
        if self._key is None:
            raise ConfigError(f"state.token_key: it is needed, as source {source} has a refresh token")
        derive = HKDF(SHA256(), 32, salt=None, info=b"poller token " + source.encode())
        return Fernet(base64.urlsafe_b64encode(derive.derive(self._key.get_secret_value().encode())))
