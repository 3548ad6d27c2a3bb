"""Seals what must be read again but never shown: secrets and addresses of webhooks. AES-256-GCM, one key a service."""

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from api.accounts.secret_files import write_secret
from api.errors import Misconfigured

_NONCE_BYTES = 12  # as GCM wants it; random, and far from 2**32 messages under one key
_KEY_BYTES = 32


class SealBroken(Exception):
    """What was sealed cannot be opened: another key, another place, or it was changed."""


class Sealer:
    """Seals texts, each for one purpose; what was sealed for one row cannot be put into another."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str, purpose: str) -> str:
        """Give `text` sealed for `purpose`, e.g. `webhook.url:ID`, as plain ASCII."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())).decode()

    def open(self, sealed: str, purpose: str) -> str:
        """Give back what was sealed.

        Raises:
            SealBroken: it was sealed with another key or for another purpose, or was changed.
        """
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise SealBroken from error


def open_sealer(given: SecretStr | None, data_dir: Path) -> Sealer:
    """Give the service's sealer: with the key that is set, else with one made on first use.

    Raises:
        Misconfigured: the key is not 32 bytes in base64.
    """
    path = data_dir / "secrets" / "sealing.key"
    if given is None:
        write_secret(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode(), replace=False)
    text = given.get_secret_value() if given is not None else path.read_text(encoding="ascii")
    where = "POINTWATCH_SEALING_KEY" if given is not None else str(path)
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise Misconfigured(f"{where} must be {_KEY_BYTES} random bytes in base64: openssl rand -base64 {_KEY_BYTES}")
    return Sealer(key)
