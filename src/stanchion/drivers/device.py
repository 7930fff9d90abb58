"""The kernel's watchdog device: the host's own hardware resets it when nobody feeds it any more.

The device counts whole seconds from its last feeding, so before every feeding its time is set to what is left until
the instant that was granted, rounded *down*: it may reset the host up to a second early, never late. Opening the device
arms it. Closing it disarms it only after the letter ``V`` (the kernel's "magic close"), which is written on a clean
leave and at no other time: an agent that dies leaves its host armed, and the next agent opens the device and feeds on.

Source: the kernel's watchdog API (``Documentation/watchdog/watchdog-api``, ``linux/watchdog.h``).
"""

import fcntl
import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

DEVICE = Path("/dev/watchdog")

_KEEPALIVE = 0x80045705
_SETTIMEOUT = 0xC0045706
_MAGIC_CLOSE = b"V"

Control = Callable[[int, int, bytes], bytes]


class DeviceWatchdog:
    """Port ``Watchdog`` on a kernel watchdog device. ``control`` is ``ioctl``; ``clock`` the monotonic clock."""

    def __init__(self, path: Path = DEVICE, *, control: Control = fcntl.ioctl,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._control = control
        self._clock = clock
        self._file: int | None = None

    @property
    def armed(self) -> bool:
        """Whether the host would be reset if feeding stopped now."""
        return self._file is not None

    def arm(self, until_s: float) -> bool:
        """Arm the device to fire at that instant or up to a second before; False: it cannot, and is left disarmed."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            except OSError:
                return False
        if self._grant(until_s):
            return True
        self.release()
        return False

    def feed(self, until_s: float) -> None:
        """Put the reset off. A device that does not obey is not armed for us any more; it may fire all the same."""
        if self._file is not None and not self._grant(until_s):
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def release(self) -> None:
        """Disarm. A device that the kernel does not let anybody disarm (nowayout) stays armed: the safe side."""
        if self._file is None:
            return
        with suppress(OSError):
            os.write(self._file, _MAGIC_CLOSE)
        with suppress(OSError):
            os.close(self._file)
        self._file = None

    def _grant(self, until_s: float) -> bool:
        """Set the time to what is left, and feed; False where the device takes only a longer time, or fails."""
        left_s = int(until_s - self._clock())
        if left_s < 1 or self._file is None:
            return False
        try:
            answer = self._control(self._file, _SETTIMEOUT, struct.pack("i", left_s))
            self._control(self._file, _KEEPALIVE, struct.pack("i", 0))
        except OSError:
            return False
        set_s: int = struct.unpack("i", answer)[0]
        return 0 < set_s <= left_s
