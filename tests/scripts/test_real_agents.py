"""Agents as the resource-agents package ships them, called through the library, where that package is installed."""

from pathlib import Path

import pytest
from script_benches import order, runner_in

AGENTS = Path("/usr/lib/ocf/resource.d/heartbeat")
SCRIPT = """. /opt/novell/ncs/lib/ncsfuncs
export OCF_ROOT=/usr/lib/ocf/
"""
XL = """#!/bin/bash
# A hypervisor of one file: the machine runs here while the file exists.
echo "xl $*" >> {here}/calls
case $1 in
list) [ -e {here}/running ] && printf 'Name ID Mem VCPUs State Time\\nvm1 1 128 1 r----- 1.0\\n' || exit 1 ;;
create) touch {here}/running ;;
migrate) [ -e {here}/refuse ] && exit 1; rm {here}/running ;;
shutdown | destroy) rm -f {here}/running ;;
esac
"""


@pytest.mark.skipif(not (AGENTS / "Dummy").exists(), reason="the resource-agents package is not installed")
async def test_a_real_agent_starts_runs_and_stops(tmp_path: Path) -> None:
    text = SCRIPT + (
        "ocf_status Dummy; echo $?\nexit_on_error ocf_start Dummy\nexit_on_error ocf_status Dummy\n"
        "exit_on_error ocf_stop Dummy\nocf_status Dummy; echo $?\nexit 0\n"
    )
    run = await runner_in(tmp_path).run(order(text))
    assert run.code == 0, run.output
    assert [line for line in run.output.splitlines() if line.isdigit()] == ["7", "7"]


@pytest.mark.skipif(not (AGENTS / "Xen").exists(), reason="the resource-agents package is not installed")
async def test_the_real_xen_agent_migrates_and_its_failure_is_seen(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/xl").write_text(XL.format(here=tmp_path))
    (tmp_path / "bin/xl").chmod(0o755)
    (tmp_path / "vm1").write_text('name = "vm1"\nmemory = 128\n')
    text = SCRIPT + f"""export OCF_RESKEY_xmfile={tmp_path}/vm1
exit_on_error ocf_start Xen
exit_on_error ocf_status Xen
touch {tmp_path}/refuse
RC=`ocf_migrate_to Xen`
[ "$RC" -eq 1 ] || exit 91
rm {tmp_path}/refuse
RC=`ocf_migrate_to Xen`
exit $RC
"""
    runner = runner_in(tmp_path, PATH=f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    run = await runner.run(order(text, NCS_TOFROM="node-b"))
    assert run.code == 0, run.output
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.partition(" name=")[0] for call in calls if not call.startswith(("xl list", "xl info"))] == [
        f"xl create {tmp_path}/vm1", "xl migrate vm1 node-b", "xl migrate vm1 node-b",
    ]
