"""Before a live migration: only what would surely fail is refused, and what nobody tells is unknown."""

from dataclasses import replace

from stanchion.model.files import FileFact, HostFacts, Verdict
from stanchion.model.ids import NodeName, ResourceName, TemplateName
from stanchion.model.resource import Machine, MachineKind, ResourceSpec, Script, Scripts
from stanchion.plan.files import compare
from stanchion.plan.preflight import judge, needs, worst

N1, N2 = NodeName("node1"), NodeName("node2")
SPEC = ResourceSpec(name=ResourceName("web"), template=TemplateName("T"), live=True, files=("/etc/web",),
                    scripts=Scripts(), machine=Machine(kind=MachineKind.XEN, name="web"))
FACTS = HostFacts(architecture="x86_64", processor="Example 9", flags=("avx", "sse"), hypervisor="4.17.3",
                  networks=("eth0", "xenbr0"), bridges=("xenbr0",), storage={"/dev/vg/web": ""})
FACT = FileFact(path="/etc/web", size=1, sha256="a", owner="root:root", mode=0o644)


def judged(here: HostFacts | str, *, there: HostFacts | str = FACTS, spec: ResourceSpec = SPEC,
           file: FileFact | str = FACT) -> dict[str, tuple[Verdict, str]]:
    rows = compare(spec.files, (N1, N2), {N1: (FACT,), N2: file if isinstance(file, str) else (file,)})
    return {each.of: (each.verdict, each.text) for each in judge(spec, (N1, N2), (there, here), rows)}


def test_two_hosts_that_are_alike_are_well() -> None:
    told = judged(FACTS)
    assert list(told) == ["scripts", "files", "processor", "hypervisor", "bridges", "storage"]
    assert {verdict for verdict, _ in told.values()} == {Verdict.WELL}
    assert "xenbr0 is there on node2 too" in told["bridges"][1]


def test_scripts_that_cannot_move_a_running_machine_are_refused() -> None:
    assert judged(FACTS, spec=replace(SPEC, live=False))["scripts"][0] is Verdict.REFUSED


def test_files_refuse_by_their_content_alone() -> None:
    assert judged(FACTS, file=replace(FACT, sha256="b"))["files"][0] is Verdict.REFUSED
    assert judged(FACTS, file=FileFact(path="/etc/web", is_missing=True))["files"][0] is Verdict.REFUSED
    assert judged(FACTS, file=replace(FACT, mode=0o600))["files"][0] is Verdict.DOUBTFUL
    verdict, text = judged(FACTS, file="its agent does not answer")["files"]
    assert verdict is Verdict.UNKNOWN
    assert "the move is refused" in text
    assert judged(FACTS, spec=replace(SPEC, files=()))["files"][0] is Verdict.WELL


def test_another_processor_is_doubtful_only_where_it_can_do_less() -> None:
    verdict, text = judged(replace(FACTS, flags=("sse",), processor="Example 8"))["processor"]
    assert verdict is Verdict.DOUBTFUL
    assert "lacks avx" in text
    assert judged(replace(FACTS, flags=("avx", "new", "sse"), processor="Example 10"))["processor"][0] is Verdict.WELL
    assert judged(replace(FACTS, flags=()))["processor"][0] is Verdict.UNKNOWN
    assert judged(replace(FACTS, architecture="aarch64"))["processor"][0] is Verdict.REFUSED
    many = replace(FACTS, flags=tuple(f"f{number}" for number in range(20)))
    assert "and 12 more" in judged(FACTS, there=many)["processor"][1]


def test_machines_move_to_the_same_hypervisor_or_a_newer_one() -> None:
    verdicts = {version: judged(replace(FACTS, hypervisor=version))["hypervisor"][0]
                for version in ("4.17.3", "4.17.10", "4.9.1", "")}
    assert verdicts == {"4.17.3": Verdict.WELL, "4.17.10": Verdict.WELL, "4.9.1": Verdict.DOUBTFUL,
                        "": Verdict.UNKNOWN}
    by_script = replace(SPEC, machine=Machine())
    assert judged(FACTS, spec=by_script)["hypervisor"][0] is Verdict.UNKNOWN


def test_a_bridge_that_is_not_there_is_refused_with_its_name() -> None:
    verdict, text = judged(replace(FACTS, networks=("eth0",)))["bridges"]
    assert verdict is Verdict.REFUSED
    assert "node2 has no xenbr0" in text
    assert judged(replace(FACTS, networks=()))["bridges"][0] is Verdict.UNKNOWN
    assert judged(FACTS, there=replace(FACTS, bridges=()))["bridges"][0] is Verdict.WELL


def test_storage_that_a_script_may_still_bring_is_only_doubtful() -> None:
    gone = {"/dev/vg/web": "No such file or directory"}
    assert judged(replace(FACTS, storage=gone))["storage"][0] is Verdict.DOUBTFUL
    there, file = replace(FACTS, storage={"/images/web": ""}), {"/images/web": "No such file or directory"}
    assert judged(replace(FACTS, storage=file), there=there)["storage"][0] is Verdict.REFUSED
    prepares = replace(SPEC, scripts=Scripts(prepare=Script(text="mount /images\n")))
    assert judged(replace(FACTS, storage=file), there=there, spec=prepares)["storage"][0] is Verdict.DOUBTFUL
    assert judged(replace(FACTS, storage={}))["storage"][0] is Verdict.UNKNOWN


def test_a_host_that_cannot_be_asked_is_unknown_as_a_whole() -> None:
    told = judged("node2 is not in the cluster now")
    assert told["host"] == (Verdict.UNKNOWN, "node2 cannot be asked what it is like: node2 is not in the cluster now")
    assert "processor" not in told


def test_what_is_worst_is_what_all_come_to() -> None:
    rows = compare((), (N1, N2), {})
    checks = judge(replace(SPEC, files=()), (N1, N2), (FACTS, replace(FACTS, networks=("x",), flags=())), rows)
    assert worst(checks) is Verdict.REFUSED
    assert worst(checks[:2]) is Verdict.WELL


def test_configurations_of_xen_libvirt_and_qemu_tell_their_needs() -> None:
    xen = "# bridge=old0\nvif = ['mac=00:16:3e:00:00:01,bridge=xenbr0']\ndisk = ['phy:/dev/vg/web,xvda,w']\n"
    libvirt = "<disk><source file='/images/web.qcow2'/></disk><interface><source bridge='br0'/></interface>"
    qemu = "-netdev bridge,id=n,br=br1 -drive file=/images/q.img,if=virtio"
    spec = replace(SPEC, parameters={"BRIDGE": "br2", "DISK": "/dev/vg/p", "CONFIG": "/etc/web", "MEMORY": "32"})
    assert needs((xen, libvirt, qemu), spec) == (
        ("xenbr0", "br0", "br1", "br2"), ("/dev/vg/web", "/images/web.qcow2", "/images/q.img", "/dev/vg/p"))
