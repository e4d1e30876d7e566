"""Ids as LMDB keys, which may be 511 bytes long and no longer."""

from hashlib import sha256

MAX_KEY_BYTES = 511
_WHOLE, _HASHED = b"=", b"#"


def id_key(text: str) -> bytes:
    """The key of an id: "=" and its UTF-8 bytes, or "#" and their SHA-256 when that would be too long."""
    data = text.encode("utf-8", "surrogatepass")
    return _WHOLE + data if len(data) < MAX_KEY_BYTES else _HASHED + sha256(data).digest()


def is_hashed(key: bytes) -> bool:
    """Whether the id cannot be read back from its key."""
    return key.startswith(_HASHED)


def id_of(key: bytes) -> str:
    """The id that a key holds whole."""
    return key[len(_WHOLE) :].decode("utf-8", "surrogatepass")
