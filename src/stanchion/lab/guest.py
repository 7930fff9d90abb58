"""A guest of our own: a boot sector that shows, by itself, everything that a cluster promises about its machine.

It needs no operating system, boots in a second without KVM, and proves with its own words what happened to it:

- It writes ``tick COUNTER boot NONCE`` to its serial port about nine times a second. The counter begins at 0 and the
  nonce is drawn at every boot. So a boot shows as a new nonce and counter 0, while a live migration shows as the same
  nonce and a counter that goes on; the gap between two lines is the time for which the machine stood still.
- Every fourth line it writes nonce and counter to a sector of its disk, and reads it first. Finding a nonce that is
  not its own after its first write means that another copy of the machine writes to the same disk: it says
  ``second copy NONCE``. This is the witness against the one thing that must never be.
- It can be made to hang, as guests do: see ``hang``.

The program stands below as a listing: the bytes of each instruction, the instruction itself beside them, and what it is
for. ``assemble`` needs to know nothing about processors; it only fills in where the labels came to stand.
"""

import re
import struct
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
STATE_SECTOR = 1
HANG_SECTOR = 2
IMAGE_SIZE = 64 * 1024
ORIGIN = 0x7C00
"""Where the BIOS puts a boot sector."""

LISTING = """
start:   FA                ; cli                    no interrupts while the segments change
         31 C0             ; xor ax, ax             all segments begin at 0
         8E D8             ; mov ds, ax
         8E C0             ; mov es, ax
         8E D0             ; mov ss, ax
         BC 00 7C          ; mov sp, 7C00h          the stack grows down from the program
         FB                ; sti
         FC                ; cld
         88 16 =drive      ; mov [drive], dl        the BIOS says which disk this is
         0F 31             ; rdtsc                  the nonce: cycles since power on,
         66 33 06 6C 04    ; xor eax, [46Ch]        mixed with the time of day in ticks
         66 A3 =nonce      ; mov [nonce], eax

line:    BE =tick          ; mov si, tick           "tick COUNTER boot NONCE"
         E8 >>put          ; call put
         66 A1 =counter    ; mov eax, [counter]
         E8 >>number       ; call number
         BE =boot          ; mov si, boot
         E8 >>put          ; call put
         66 A1 =nonce      ; mov eax, [nonce]
         E8 >>hex          ; call hex
         66 FF 06 =counter ; inc dword [counter]
         F6 06 =counter 03 ; test byte [counter], 3 every fourth line
         75 >pause         ; jnz pause
         E8 >>disk         ; call disk

pause:   A1 6C 04          ; mov ax, [46Ch]         the BIOS counts 18.2 ticks a second there
rest:    F4                ; hlt                    sleep until an interrupt
         8B 1E 6C 04       ; mov bx, [46Ch]
         29 C3             ; sub bx, ax
         83 FB 02          ; cmp bx, 2              two ticks later: the next line
         72 >rest          ; jb rest
         EB >line          ; jmp line

disk:    B9 03 00          ; mov cx, 3              the hang sector (the BIOS counts from 1)
         E8 >>read         ; call read
         72 >failed        ; jc failed
         66 81 3E 00 80 'HANG' ; cmp dword [buffer], 'HANG'
         75 >well          ; jne well
         80 3E 04 80 00    ; cmp byte [buffer+4], 0 how often still
         74 >well          ; je well
         FE 0E 04 80       ; dec byte [buffer+4]
         E8 >>write        ; call write             once less
         BE =hanging       ; mov si, hanging
         E8 >>put          ; call put
         FA                ; cli                    and now nothing wakes it any more
dead:    F4                ; hlt
         EB >dead          ; jmp dead

well:    B9 02 00          ; mov cx, 2              the state sector
         E8 >>read         ; call read
         72 >failed        ; jc failed
         80 3E =wrote 00   ; cmp byte [wrote], 0    before the first write it may be anybody's
         74 >own           ; je own
         66 A1 04 80       ; mov eax, [buffer+4]    the nonce that stands there
         66 3B 06 =nonce   ; cmp eax, [nonce]
         74 >own           ; je own
         BE =second        ; mov si, second         "second copy NONCE"
         E8 >>put          ; call put
         66 A1 04 80       ; mov eax, [buffer+4]
         E8 >>hex          ; call hex
own:     C6 06 =wrote 01   ; mov byte [wrote], 1
         66 C7 06 00 80 'TICK' ; mov dword [buffer], 'TICK'
         66 A1 =nonce      ; mov eax, [nonce]
         66 A3 04 80       ; mov [buffer+4], eax
         66 A1 =counter    ; mov eax, [counter]
         66 A3 08 80       ; mov [buffer+8], eax
         E8 >>write        ; call write
         72 >failed        ; jc failed
         C3                ; ret
failed:  BE =broken        ; mov si, broken         "disk error"
         EB >put           ; jmp put

read:    B8 01 02          ; mov ax, 0201h          BIOS, disk: read one sector
         EB >bios          ; jmp bios
write:   B8 01 03          ; mov ax, 0301h          write one sector
bios:    51                ; push cx
         B6 00             ; mov dh, 0              head 0; cx says the sector
         8A 16 =drive      ; mov dl, [drive]
         BB 00 80          ; mov bx, buffer         the buffer stands at 8000h
         CD 13             ; int 13h
         59                ; pop cx
         C3                ; ret

hex:     B9 08 00          ; mov cx, 8              eax as eight digits, and the line's end
digit:   66 C1 C0 04       ; rol eax, 4
         50                ; push ax
         24 0F             ; and al, 15
         3C 0A             ; cmp al, 10
         72 >low           ; jb low
         04 27             ; add al, 'a' - '0' - 10
low:     04 30             ; add al, '0'
         E8 >>char         ; call char
         58                ; pop ax
         E2 >digit         ; loop digit
         BE =end           ; mov si, end
put:     AC                ; lodsb                  the text at si, up to its 0
         84 C0             ; test al, al
         74 >done          ; jz done
         E8 >>char         ; call char
         EB >put           ; jmp put
done:    C3                ; ret

number:  66 BB 0A 00 00 00 ; mov ebx, 10            eax in decimal: the digits come out last first,
         31 C9             ; xor cx, cx             so they wait on the stack
divide:  66 31 D2          ; xor edx, edx
         66 F7 F3          ; div ebx
         52                ; push dx
         41                ; inc cx
         66 85 C0          ; test eax, eax
         75 >divide        ; jnz divide
show:    58                ; pop ax
         04 30             ; add al, '0'
         E8 >>char         ; call char
         E2 >show          ; loop show
         C3                ; ret

char:    52                ; push dx                al to the first serial port
         50                ; push ax
         BA FD 03          ; mov dx, 3FDh           its status:
busy:    EC                ; in al, dx
         A8 20             ; test al, 20h           is it ready for another?
         74 >busy          ; jz busy
         BA F8 03          ; mov dx, 3F8h
         58                ; pop ax
         EE                ; out dx, al
         5A                ; pop dx
         C3                ; ret

counter: 00 00 00 00
nonce:   00 00 00 00
drive:   00
wrote:   00
tick:    'tick ' 00
boot:    ' boot ' 00
second:  'second copy ' 00
hanging: 'hang' 0A 00
broken:  'disk error' 0A 00
end:     0A 00
"""

_WORD = re.compile(r"'[^']*'|[^\s']+")
_LINE = re.compile(r"tick (?P<counter>\d+) boot (?P<nonce>[0-9a-f]{8})")


class Tick(NamedTuple):
    """One line of the guest: which boot it is of, and how many lines that boot has written before."""

    counter: int
    nonce: str


def assemble(listing: str) -> bytes:
    """Give the bytes of a listing. Raises ``KeyError`` for a label that is nowhere.

    ``'text'`` stands for its letters, ``=label`` for the label's address, ``>label`` and ``>>label`` for the distance
    to it from the end of the instruction, in one byte and in two.
    """
    labels: dict[str, int] = {}
    words: list[tuple[int, str]] = []
    at = 0
    for line in listing.splitlines():
        for word in _WORD.findall(line.partition(";")[0]):
            if word.endswith(":"):
                labels[word[:-1]] = at
                continue
            words.append((at, word))
            at += len(_encoded(word, at, {}))
    return b"".join(_encoded(word, place, labels) for place, word in words)


def _encoded(word: str, at: int, labels: dict[str, int]) -> bytes:
    """Encode one word of a listing; with no labels yet the result only has the right length."""
    name = word.lstrip("=>")
    to = labels[name] if labels and name != word else at
    if word.startswith("'"):
        return word.strip("'").encode("ascii")
    if word.startswith("="):
        return struct.pack("<H", ORIGIN + to)
    if word.startswith(">>"):
        return struct.pack("<h", to - at - 2)
    if word.startswith(">"):
        return struct.pack("<b", to - at - 1)
    return bytes.fromhex(word)


def image() -> bytes:
    """Give a whole disk with the guest on it."""
    program = assemble(LISTING)
    assert len(program) <= SECTOR - 2, f"the guest has grown beyond its sector: {len(program)} bytes"
    return (program.ljust(SECTOR - 2, b"\0") + b"\x55\xAA").ljust(IMAGE_SIZE, b"\0")


def write_image(path: Path) -> None:
    """Make a disk with the guest on it; an existing one is replaced."""
    path.write_bytes(image())


def hang(disk: Path, times: int) -> None:
    """Let the guest on that disk hang, now and again after each of the next boots, ``times`` times in all.

    It stops ticking within half a second, its process lives on: what a monitor has to find out. 0 calls it off.
    """
    with disk.open("r+b") as file:
        file.seek(HANG_SECTOR * SECTOR)
        file.write(b"HANG" + bytes([times]))


def read_state(disk: Path) -> Tick | None:
    """Give what the guest wrote to its disk last; None when it has not yet written."""
    with disk.open("rb") as file:
        file.seek(STATE_SECTOR * SECTOR)
        magic, nonce, counter = struct.unpack("<4sII", file.read(12))
    return Tick(counter, f"{nonce:08x}") if magic == b"TICK" else None


def parse(text: str) -> list[Tick]:
    """Give the ticks in a serial log, in order; lines that are not whole are passed over."""
    return [Tick(int(found["counter"]), found["nonce"])
            for found in map(_LINE.fullmatch, text.splitlines()) if found]
