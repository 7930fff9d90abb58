"""Sealing: what may stand in the store although nobody may read it there.

The key is derived from the cluster's secret, which every host has and the store has not, and from a purpose, so that
what was sealed for one thing cannot be opened as another. The secret has 256 bits, so it needs no stretching.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stanchion.model.errors import HostError


def lock(secret: str, purpose: str) -> Fernet:
    """Make the lock that the cluster's secret opens, for one purpose."""
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"stanchion: {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))


def sealed(text: str, secret: str, purpose: str) -> str:
    """Seal a text."""
    return lock(secret, purpose).encrypt(text.encode()).decode()


def opened(text: str, secret: str, purpose: str) -> str:
    """Open what was sealed. Raises ``HostError`` where the secret is another one."""
    try:
        return lock(secret, purpose).decrypt(text.encode()).decode()
    except InvalidToken as fault:
        raise HostError("it cannot be opened with this host's token file; copy the token file of a node that can"
                        ) from fault
