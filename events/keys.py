"""nkeys: an Ed25519 pair whose public half a server may know and whose seed is the secret."""

from __future__ import annotations

import base64
import os
from typing import NamedTuple

import nkeys


class KeyPair(NamedTuple):
    """public: starts with U. seed: starts with SU."""

    public: str
    seed: str


def new_key() -> KeyPair:
    """Return a new user's pair, from the system's random numbers."""
    seed = bytearray(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
    text = seed.decode()
    pair = nkeys.from_seed(seed)
    return KeyPair(pair.public_key.decode(), text)


def sign(seed: str, nonce: bytes) -> tuple[str, str]:
    """Return (public key, base64 of the signature of `nonce`) of the pair that `seed` makes."""
    pair = nkeys.from_seed(bytearray(seed.encode()))
    return pair.public_key.decode(), base64.b64encode(pair.sign(nonce)).decode()
