"""The kernel's watchdog device: right requests, never late, disarmed on a clean leave only."""

import struct
from pathlib import Path

import pytest

from stanchion.drivers.device import DeviceWatchdog

SETTIMEOUT, KEEPALIVE = 0xC0045706, 0x80045705


class Device:
    """A device that notes what is asked of it; ``floor_s`` is the shortest time that it takes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_bytes(b"")
        self.asked: list[tuple[int, int]] = []
        self.floor_s = 1
        self.broken = False
        self.now_s = 100.0
        self.watchdog = DeviceWatchdog(path, control=self._control, clock=lambda: self.now_s)

    def _control(self, _file: int, request: int, value: bytes) -> bytes:
        if self.broken:
            raise OSError(5, "Input/output error")
        number = struct.unpack("i", value)[0]
        self.asked.append((request, number))
        return struct.pack("i", max(number, self.floor_s))

    def written(self) -> bytes:
        """Give what was written to it."""
        return self.path.read_bytes()


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path / "watchdog")


def test_the_time_is_set_anew_before_every_feeding_and_rounded_down(device: Device) -> None:
    assert device.watchdog.arm(106.0)
    device.now_s = 101.3
    device.watchdog.feed(107.0)
    assert device.asked == [(SETTIMEOUT, 6), (KEEPALIVE, 0), (SETTIMEOUT, 5), (KEEPALIVE, 0)]
    assert device.watchdog.armed


def test_only_a_clean_leave_writes_the_magic_letter(device: Device) -> None:
    assert device.watchdog.arm(106.0)
    assert device.written() == b""
    device.watchdog.release()
    assert device.written() == b"V"
    assert not device.watchdog.armed
    device.watchdog.release()
    assert device.written() == b"V"


def test_a_device_that_takes_only_a_longer_time_is_no_protection(device: Device) -> None:
    """It would fire after the lease has ended: it is disarmed again, and the node declares none."""
    device.floor_s = 30
    assert not device.watchdog.arm(106.0)
    assert device.written() == b"V"
    assert not device.watchdog.armed


def test_a_device_that_fails_later_is_not_armed_any_more_but_is_not_disarmed_either(device: Device) -> None:
    assert device.watchdog.arm(106.0)
    device.broken = True
    device.watchdog.feed(107.0)
    assert not device.watchdog.armed
    assert device.written() == b""


def test_an_instant_that_is_past_or_too_near_is_refused(device: Device) -> None:
    assert not device.watchdog.arm(100.5)


def test_a_host_without_the_device_cannot_arm_it(tmp_path: Path) -> None:
    assert not DeviceWatchdog(tmp_path / "none").arm(10.0)
