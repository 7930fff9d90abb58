"""What the agent says about itself: OCF resource agent meta-data, version 1.1.

It also keeps to the older document type that checking programs still hold agents against. That one knows only the
standard's actions, so our own two, ``prepare`` and ``halt``, are told of in the description.
"""

from typing import NamedTuple


class Parameter(NamedTuple):
    """One parameter of the agent."""

    name: str
    kind: str
    default: str
    short: str
    long: str


PARAMETERS = (
    Parameter("config", "string", "", "Configuration file",
              "The machine's configuration file, lines of the form key = value. The same on every node."),
    Parameter("name", "string", "", "Name of the machine",
              "The machine's name on its host. Default: the resource's name."),
    Parameter("shutdown_timeout", "integer", "60", "Seconds for a shutdown",
              "How long the guest may take to shut down after its power button was pressed; then it is switched off."),
    Parameter("monitor_serial_s", "integer", "0", "Seconds of silence that mean a hang",
              "A guest whose serial log has not grown for so long counts as hung. 0: not looked at."),
)

ACTIONS = (
    ("start", 60), ("stop", 90), ("monitor", 20), ("status", 20), ("migrate_to", 120), ("migrate_from", 60),
    ("validate-all", 10), ("meta-data", 5),
)


def _parameter(of: Parameter) -> str:
    required = ' required="1"' if of.name == "config" else ""
    default = f' default="{of.default}"' if of.default else ""
    return (f'  <parameter name="{of.name}"{required}>\n'
            f'   <longdesc lang="en">{of.long}</longdesc>\n'
            f'   <shortdesc lang="en">{of.short}</shortdesc>\n'
            f'   <content type="{of.kind}"{default}/>\n'
            f'  </parameter>\n')


def _action(name: str, timeout_s: int) -> str:
    interval = ' interval="10s" depth="0"' if name in {"monitor", "status"} else ""
    return f'  <action name="{name}" timeout="{timeout_s}s"{interval}/>\n'


METADATA = f"""<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Qemu" version="1.0">
 <version>1.1</version>
 <longdesc lang="en">
Runs a virtual machine with plain QEMU, one process and no daemon. It moves to another node while it runs: the target
opens a door (prepare, an action of our own), the source sends the machine to it (migrate_to, the door being named in
STANCHION_DOOR), the target lets it run (migrate_from). Another action of our own, halt, ends the machine at once.
 </longdesc>
 <shortdesc lang="en">A virtual machine run by plain QEMU</shortdesc>
 <parameters>
{"".join(map(_parameter, PARAMETERS))} </parameters>
 <actions>
{"".join(_action(*action) for action in ACTIONS)} </actions>
</resource-agent>
"""
