"""What a resource takes for itself alone, read from its load script, and what of it is in use on a host."""

import pytest

from scripts.seed_house import SEED, needs_samples
from stanchion.drivers.templates import shipped
from stanchion.model.ids import ResourceName, TemplateName
from stanchion.model.resource import ResourceSpec, Script, Scripts
from stanchion.model.storage import Claim, InUse, Mount, volume_of
from stanchion.plan import making, storage


def claim(load: str) -> Claim:
    """Read what a load script takes."""
    return storage.claimed(ResourceSpec(name=ResourceName("web"), template=TemplateName("T"),
                                        scripts=Scripts(load=Script(text=load))))


def in_use(load: str, *, volumes: tuple[str, ...] = (), mounts: tuple[Mount, ...] = ()) -> str:
    """Say what of a load script's storage is in use."""
    return storage.told(storage.in_use(claim(load), InUse(volumes=volumes, mounts=mounts)))


@pytest.mark.parametrize(("load", "groups", "volumes"), [
    ("exit_on_error vgchange -a ey vg_web", ("vg_web",), ()),
    ("vgchange -aey vg_web vg_more || exit 1", ("vg_web", "vg_more"), ()),
    ("CONTAINER_NAME=vg_web\nexit_on_error vgchange -a ey $VOLGROUP_NAME", ("vg_web",), ()),
    ('VG="vg_web"\nif ! /sbin/vgchange --activate y "$VG"; then exit 1; fi', ("vg_web",), ()),
    ("vgchange \\\n  -a y vg_web", ("vg_web",), ()),
    ("lvchange -ay vg_web/root", (), ("vg_web/root",)),
    ("lvchange -a ey /dev/vg_web/root", (), ("vg_web/root",)),
    ("export OCF_RESKEY_vgname=vg_web\nexit_on_error ocf_start LVM-activate", ("vg_web",), ()),
    ("vgchange -a sy vg_web", (), ()),
    ("vgchange -a n vg_web", (), ()),
    ("vgchange --refresh vg_web", (), ()),
    ("# vgchange -a ey vg_web", (), ()),
    ("vgchange -a ey $(head -1 /etc/group_of_web)", (), ()),
    ("OCF_RESKEY_vgname=g\nOCF_RESKEY_activation_mode=shared\nocf_start LVM-activate", (), ()),
])
def test_what_a_load_script_activates_for_this_host_alone(load: str, groups: tuple[str, ...],
                                                           volumes: tuple[str, ...]) -> None:
    assert claim(load) == Claim(groups=groups, volumes=volumes)


@pytest.mark.parametrize(("load", "mounts"), [
    ("mount_fs /dev/vg/web /mnt/web ext4", (Mount(device="/dev/vg/web", directory="/mnt/web", kind="ext4"),)),
    ("mount -t xfs -o noatime LABEL=web /mnt/web/", (Mount(device="LABEL=web", directory="/mnt/web", kind="xfs"),)),
    ("mount /dev/sdb1 /mnt/web", (Mount(device="/dev/sdb1", directory="/mnt/web"),)),
    ("mount -o bind /srv /mnt/web", ()), ("mount -t nfs nas:/web /mnt/web", ()), ("mount /mnt/web", ()),
    ("mount -t ocfs2 /dev/sdb1 /mnt/web", ()), ("mount -t cifs //nas/web /mnt/web", ()),
])
def test_what_a_load_script_mounts(load: str, mounts: tuple[Mount, ...]) -> None:
    assert claim(load).mounts == mounts


def test_a_volume_group_with_a_cluster_file_system_may_be_active_everywhere() -> None:
    assert not claim("vgchange -a y vg_all\nmount_fs /dev/vg_all/ocfs /mnt/all ocfs2")


def test_every_template_that_owns_its_storage_says_so_and_no_other_does() -> None:
    claims = {}
    for template in shipped():
        answers = {"ADDRESS": "10.0.0.1"} if template.name == "Generic_IP_Service" else {}
        made = making.make(template, "web", answers, by="operator", at_s=0.0)
        claims[template.name] = storage.claimed(made)
    own = Claim(groups=("web",), mounts=(Mount(device="/dev/web/web", directory="/mnt/web", kind="ext4"),))
    assert {name: claim for name, claim in claims.items() if claim} == {
        "Xen_Template": own, "KVM_Template": own, "Generic_FS": own}


@needs_samples
def test_the_samples_of_the_original_say_so_too() -> None:
    """They name their volume group in a variable, and hand LVM another one that is never set."""
    said = claim((SEED / "Xen_Template.load").read_text(encoding="utf-8"))
    assert said == Claim(groups=("name",), mounts=(
        Mount(device="/dev/name/xen_vm_name", directory="/mnt/xen_vm_name", kind="ext3"),))
    assert not claim((SEED / "XenLive_Template.load").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("device", "volume"), [
    ("/dev/vg_web/web", "vg_web/web"), ("/dev/mapper/vg_web-web", "vg_web/web"),
    ("/dev/mapper/vg--web-root--1", "vg-web/root-1"), ("/dev/vg-web/root-1", "vg-web/root-1"),
    ("/dev/mapper/vg-pool-tpool", "vg/pool"), ("/dev/sdb1", None), ("/dev/mapper/control", None),
    ("/dev/disk/by-id", None), ("tmpfs", None),
])
def test_a_logical_volume_has_one_name(device: str, volume: str | None) -> None:
    assert volume_of(device) == volume


OWN = "vgchange -a ey vg-web\nmount_fs /dev/vg-web/web /mnt/web ext3"


def test_what_is_in_use_is_said_in_words() -> None:
    here = Mount(device="/dev/mapper/vg--web-web", directory="/srv/elsewhere", kind="ext3")
    assert in_use(OWN, volumes=("vg-web/web", "vg0/root"), mounts=(here,)) == (
        "/dev/mapper/vg--web-web is mounted at /srv/elsewhere, vg-web/web is active")
    assert in_use("lvchange -ay vg/a", volumes=("vg/a",)) == "vg/a is active"


def test_what_belongs_to_others_is_none_of_its_own() -> None:
    other = Mount(device="/dev/mapper/vg0-web", directory="/mnt/web", kind="ext3")
    assert not in_use(OWN, volumes=("vg/web", "vg-web2/web", "vg0/root"), mounts=(other,))
    assert not in_use("lvchange -ay vg/a", volumes=("vg/b",))
    assert not in_use("vgchange -a ey vg", volumes=("vg/lvmlock",)), "the lock manager's own volume is everywhere"


@pytest.mark.parametrize("device", ["LABEL=web", "UUID=0815", "/dev/disk/by-id/scsi-1"])
def test_where_the_name_of_a_device_tells_nothing_its_place_does(device: str) -> None:
    there = Mount(device="/dev/sdb1", directory="/mnt/web", kind="ext4")
    assert in_use(f"mount {device} /mnt/web", mounts=(there,)) == "/dev/sdb1 is mounted at /mnt/web"


def test_a_file_system_that_is_made_for_many_hosts_is_never_astray() -> None:
    there = Mount(device="/dev/sdb1", directory="/mnt/web", kind="ocfs2")
    assert not in_use("mount LABEL=web /mnt/web", mounts=(there,))


@pytest.mark.parametrize(("one", "other", "same"), [
    ("vgchange -a ey vg", "vgchange -a ey vg", "vg"), ("vgchange -a ey vg", "lvchange -ay vg/a", "vg/a"),
    ("lvchange -ay vg/a", "vgchange -a ey vg", "vg/a"), ("lvchange -ay vg/a", "lvchange -ay vg/b", ""),
    ("mount /dev/sdb1 /a", "mount /dev/sdb1 /b", "/dev/sdb1"), ("mount /dev/sdb1 /a", "mount /dev/sdb2 /a", ""),
    ("mount /dev/mapper/vg-a /a", "vgchange -ay vg", "vg/a"),
    ("vgchange -a ey vg", "vgchange -a ey vg2", ""), ("true", "true", ""),
])
def test_two_resources_that_take_the_same_thing(one: str, other: str, same: str) -> None:
    assert storage.shared(claim(one), claim(other)) == same


def test_a_resource_that_takes_what_another_one_has_is_not_saved() -> None:
    first, second = (making.make(next(each for each in shipped() if each.name == "KVM_Template"), name,
                                 {"VOLUME_GROUP": "vg_both"}, by="operator", at_s=0.0) for name in ("web", "db"))
    assert making.twin(second, [first]) == (
        "its load script takes vg_both for itself, which belongs to the resource web already (a single volume of a "
        "group is taken by lvchange)")
    assert making.twin(first, [first]) == ""
