"""Base64 text, in any of the ways it is written."""

import base64
import binascii


def decoded(text: str) -> bytes | None:
    """The bytes in base64 text, with or without a data: address before it; None where it is no base64."""
    compact = "".join(text.rpartition("base64,")[2].split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
