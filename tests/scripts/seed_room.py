"""Runs one of the original's sample scripts in a room of its own, where /usr/lib/ocf holds recording agents.

Started by the tests as ``unshare --mount [--user] python seed_room.py HOME VENDOR``. Each line of standard input says
in JSON what is to be played, each line printed is a run. The mounts end with this process: the host sees nothing.
"""

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from script_benches import order, runner_in

from stanchion.model.resource import ScriptKind

OCF = Path("/usr/lib/ocf")


def furnish(directory: Path, vendor: str) -> None:
    """Lay the recording agents over /usr/lib/ocf, and the vendor's library below /opt where one is given."""
    if OCF.is_dir():
        subprocess.run(["mount", "--bind", directory / "ocf", OCF], check=True)
    else:
        (directory / "upper/ocf").parent.mkdir()
        (directory / "ocf").rename(directory / "upper/ocf")
        (directory / "work").mkdir()
        layers = f"lowerdir=/usr/lib,upperdir={directory}/upper,workdir={directory}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, "/usr/lib"], check=True)
    if vendor:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/opt"], check=True)
        library = Path("/opt/novell/ncs/lib/ncsfuncs")
        library.parent.mkdir(parents=True)
        library.write_text(vendor)


async def play(directory: Path, name: str, text: str, environment: dict[str, str]) -> None:
    """Run the script as the agent of ``node-a`` would."""
    kind = ScriptKind(name.rpartition(".")[2])
    environment = {"FAKES": str(directory), "OCF_RESKEY_CRM_meta_timeout": "600000"} | environment
    run = await runner_in(directory, PATH=f"{sys.argv[1]}/bin:/usr/sbin:/usr/bin:/sbin:/bin").run(
        order(text, script=kind, **environment),
    )
    sys.stdout.write(json.dumps(asdict(run)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    furnish(Path(sys.argv[1]), sys.argv[2])
    for line in sys.stdin:
        wanted = json.loads(line)
        script = Path(wanted["script"])
        asyncio.run(play(Path(wanted["room"]), script.name, script.read_bytes().decode(), wanted["environment"]))
