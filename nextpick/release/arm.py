"""Who answers a user while traffic is split: the same variant every time, whichever process is asked."""

from hashlib import blake2b

MOST = 1 << 64


def is_challengers(user_id: str | None, salt: str, share: float) -> bool:
    """Whether the challenger answers this user; never somebody whom nobody knows, who would be now here, now there.

    A keyed hash of the id is uniform over [0, 1) and below `share` for such a share of users: those of a smaller share
    stay among those of a larger one, and another split's salt draws anew.
    """
    if user_id is None or not salt:
        return False
    digest = blake2b(user_id.encode(), digest_size=8, key=salt.encode()).digest()
    return int.from_bytes(digest, "big") < share * MOST
