"""The keeper alone, in situations that come about on a busy host only."""

import subprocess
import sys
from pathlib import Path

from stanchion.drivers import keeper

SCENE = """
import os, sys
sys.path.insert(0, sys.argv[1])
import keeper

outlet, inlet = os.pipe()
gate, latch = os.pipe()
pid = os.fork()
if pid == 0:
    os.read(gate, 1)
    os.write(inlet, b"done")
    os._exit(3)
os.close(inlet)
leader = keeper.identity(pid)
os.write(latch, b"!")
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

status, held = keeper._attend(leader, outlet, keeper.Output(sys.argv[2]))
print(os.WEXITSTATUS(status), held)
"""


def test_a_script_that_ends_before_its_keeper_looks_again_keeps_its_code_and_its_output(tmp_path: Path) -> None:
    """It is a zombie then, and has no identity any more; its code was lost for that, and told as a kill."""
    done = subprocess.run([sys.executable, "-c", SCENE, str(Path(keeper.__file__).parent), str(tmp_path)],
                          capture_output=True, text=True, check=False, timeout=30)

    assert done.stderr == ""
    assert done.stdout.split() == ["3", "False"]
    assert (tmp_path / "out.0").read_text() == "done"
