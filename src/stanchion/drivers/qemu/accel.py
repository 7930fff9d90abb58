"""Whether KVM works on this host, found out by booting.

A ``/dev/kvm`` that opens may still be unable to run anything (nested, masked, out of service), and QEMU then dies or
hangs with the machine inside. So a machine of seven bytes is booted once: it tells QEMU, through its exit port, to end
with a code that nothing else gives. The answer is kept in the host's run directory, which is empty after a boot.
"""

import os
import subprocess

_BOOT = bytes.fromhex(
    "B0 10"  # mov al, 10h
    "E6 F4"  # out F4h, al   isa-debug-exit ends QEMU with 2 * 10h + 1
    "F4"     # hlt           only reached where the port does nothing
    "EB FD"  # jmp back to the hlt
)
_EXIT_CODE = 0x10 * 2 + 1
_BOOT_WITHIN_S = 10.0
_SECTOR = 512


def best(qemu: str, directory: str) -> str:
    """Give ``kvm`` or ``tcg``, whichever works here."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    known = os.path.join(directory, "stanchion-accel")
    try:
        with open(known, encoding="ascii") as file:
            answer = file.read().strip()
    except OSError:
        answer = ""
    if answer not in ("kvm", "tcg"):
        answer = "kvm" if _boots(qemu, directory) else "tcg"
        fresh = f"{known}.{os.getpid()}"
        with open(fresh, "w", encoding="ascii") as file:
            file.write(answer)
        os.replace(fresh, known)
    return answer


def _boots(qemu: str, directory: str) -> bool:
    image = os.path.join(directory, f"stanchion-probe.{os.getpid()}")
    with open(image, "wb") as file:
        file.write(_BOOT.ljust(_SECTOR - 2, b"\0") + b"\x55\xAA")
    command = [qemu, "-machine", "pc,accel=kvm", "-m", "16", "-nodefaults", "-no-user-config", "-display", "none",
               "-drive", f"file={image.replace(',', ',,')},format=raw,if=ide,snapshot=on",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                               timeout=_BOOT_WITHIN_S)
    except subprocess.TimeoutExpired:
        return False
    finally:
        os.unlink(image)
    return ended.returncode == _EXIT_CODE
