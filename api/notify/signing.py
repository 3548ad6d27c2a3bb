"""How a delivery proves where it comes from: the scheme of Standard Webhooks (standardwebhooks.com), version 1.

The signature is the HMAC-SHA256 over `ID.TIMESTAMP.BODY`, in base64; the secret is shown as `whsec_` and base64.
`docs/webhooks.md` tells receivers how to check it.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Make a secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Say whether a secret is of the form that Standard Webhooks wants: 24 to 64 bytes."""
    try:
        return text.startswith(PREFIX) and 24 <= len(base64.b64decode(text[len(PREFIX) :], validate=True)) <= 64
    except (ValueError, binascii.Error):
        return False


def headers(delivery_id: str, timestamp_s: int, body: bytes, secrets_in_force: list[str]) -> dict[str, str]:
    """Give the headers that sign a body, with one signature for each secret in force (two while one is replaced)."""
    signed = f"{delivery_id}.{timestamp_s}.".encode() + body
    signatures = [
        base64.b64encode(hmac.digest(base64.b64decode(one[len(PREFIX) :]), signed, hashlib.sha256)).decode()
        for one in secrets_in_force
    ]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
