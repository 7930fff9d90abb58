"""The host's clocks and its randomness: the two smallest doors.

Durations are measured on ``CLOCK_MONOTONIC``, the clock that the event loop and the watchdogs use too, so an instant
read here may be handed to either. It is the same for every process of a host and starts anew with each boot.
"""

import secrets
import string
import time

from stanchion.model.ids import Moment

_ALPHABET = string.ascii_lowercase + string.digits
_TOKEN_LENGTH = 16


class HostClock:
    """Port ``Clock``, on this host's clocks."""

    def now(self) -> Moment:
        """Read both clocks, and how far the local time is ahead of UTC now."""
        wall_s = time.time()
        return Moment(mono_s=time.monotonic(), wall_s=wall_s, zone_s=time.localtime(wall_s).tm_gmtoff)


class HostChance:
    """Port ``Chance``, from the kernel's random numbers."""

    def token(self) -> str:
        """Give 16 fresh lower-case letters and digits."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(_TOKEN_LENGTH))
