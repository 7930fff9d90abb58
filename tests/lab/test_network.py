"""The lab's network: lines that die in one net, in one direction, between two hosts, and come back.

Only root may make network namespaces; elsewhere these tests are skipped by name. They run in a process of their own,
because that process becomes the hub.
"""

import shutil
import subprocess
import sys

import pytest


def _allowed() -> bool:
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return probe.returncode == 0


pytestmark = pytest.mark.skipif(
    shutil.which("ip") is None or shutil.which("unshare") is None or not _allowed(),
    reason="network namespaces need root, iproute2 and util-linux")

SCENE = """
import subprocess, sys
from stanchion.lab import processes
from stanchion.lab.network import Cut, Net, Network

EAR = '''
import socket
ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.bind(("0.0.0.0", 9))
print("ready", flush=True)
while (word := ear.recv(99)) != b"end":
    print(word.decode(), flush=True)
'''
SAY = '''
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), (sys.argv[2], 9))
'''
processes.leave_network()
net = Network(["node1", "node2", "node3"])
net.up()
ear = subprocess.Popen([*net.enter("node2"), sys.executable, "-c", EAR], stdout=subprocess.PIPE, text=True,
                       preexec_fn=processes.die_with_parent)
assert ear.stdout.readline() == "ready\\n"

def say(word, sender, of=Net.PEER):
    subprocess.run([*net.enter(sender), sys.executable, "-c", SAY, word, net.address("node2", of)], check=True)

one_way = Cut(senders=("node1",), receivers=("node2",), nets=(Net.PEER,))
say("whole", "node1")
net.cut(one_way)
say("dropped", "node1")
say("other-net", "node1", Net.STORE)
say("other-host", "node3")
net.cut(Cut(senders=("node1", "node3"), receivers=("node2",)))
net.mend(one_way)
say("still-dropped", "node1")
say("dropped-too", "node3", Net.STORE)
net.mend_all()
say("mended", "node1")
say("mended", "node3", Net.STORE)
net.spoil_line("node1")
net.mend_line("node1")
say("end", "node1")
sys.stdout.write(ear.communicate()[0])
net.down()
net.up()
net.down()
"""


def test_lines_die_and_come_back_as_they_are_told() -> None:
    done = subprocess.run([sys.executable, "-c", SCENE], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["whole", "other-net", "other-host", "mended", "mended"]


def test_a_network_that_is_in_use_is_never_touched() -> None:
    scene = """
import subprocess
from stanchion.lab import processes
from stanchion.lab.network import Network
processes.leave_network()
subprocess.run("ip link add here type veth peer name there && ip link set here up && ip link set there up && "
               "ip addr add 192.0.2.1/24 dev here",
               shell=True, check=True)
Network(["node1"]).up()
"""

    done = subprocess.run([sys.executable, "-c", scene], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode != 0
    assert "this network is in use" in done.stderr
