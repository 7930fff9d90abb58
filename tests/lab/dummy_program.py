"""Stands in for ``stanchion`` in tests of the lab: ``init`` writes a file, ``agent`` starts a stubborn daemon.

The agent writes a line with its boot id for each of its starts, spawns once per boot a daemon that double-forks, has
its own session and ignores SIGTERM, and, where ``feed`` stands in its directory, arms the watchdog for that many
seconds once, before it goes on doing nothing.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path


def daemon(run: Path) -> None:
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (run / "daemon.new").write_text(str(os.getpid()))
    (run / "daemon.new").rename(run / "daemon")
    while True:
        signal.pause()


def agent(here: Path) -> None:
    run = Path(os.environ["STANCHION_RUN_DIR"])
    if not (run / "daemon").exists():
        daemon(run)
    while not (run / "daemon").exists():
        time.sleep(0.01)
    if (here / "feed").exists():
        seconds = float((here / "feed").read_text())
        (here / "feed").unlink()
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(here / "watchdog.sock"))
            line.sendall(f"arm {time.monotonic() + seconds}\n".encode())
            assert line.recv(100) == b"ok\n"
    with (here / "starts").open("a") as starts:
        starts.write(f"{os.environ['STANCHION_BOOT_ID']} {os.getpid()}\n")
    while True:
        signal.pause()


if __name__ == "__main__":
    if sys.argv[1] == "init":
        directory = Path(sys.argv[sys.argv.index("--dir") + 1])
        directory.mkdir(parents=True)
        (directory / "agent.toml").write_text('store = "store.db"\ntoken_file = "token"\n')
    else:
        agent(Path(sys.argv[sys.argv.index("--config") + 1]).parent)
