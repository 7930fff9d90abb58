"""Configuration files beside each other: whose copy is the measure, and in which sentence each difference is told."""

from dataclasses import replace

from stanchion.model.files import FileFact, Standing
from stanchion.model.ids import NodeName, ResourceName
from stanchion.plan.files import Told, compare, differences

N1, N2, N3 = map(NodeName, ("node1", "node2", "node3"))
PATH = "/etc/xen/web.cfg"
FACT = FileFact(path=PATH, size=12, sha256="a" * 64, owner="root:root", mode=0o644, modified_s=1.0)


def standings(told: Told) -> dict[str, tuple[Standing, str]]:
    return {each.node: (each.standing, each.text) for each in compare([PATH], (N1, N2, N3), told)}


def test_what_is_the_same_needs_no_sentence_and_its_time_does_not_count() -> None:
    told = standings({N1: (FACT,), N2: (replace(FACT, modified_s=99.0),), N3: (FACT,)})
    assert set(told.values()) == {(Standing.SAME, "")}


def test_everything_that_differs_is_told_beside_the_first_node() -> None:
    other = replace(FACT, size=13, sha256="b" * 64, owner="xen:xen", mode=0o600)
    told = standings({N1: (FACT,), N2: (other,), N3: (replace(FACT, sha256="c" * 64),)})
    assert told[N2][0] is told[N3][0] is Standing.DIFFERS
    assert told[N2][1] == (f"{PATH} on node2 differs from the one on node1: other content (13 bytes, on node1 12); "
                           "owner xen:xen, on node1 root:root; mode 0600, on node1 0644")
    assert told[N3][1] == f"{PATH} on node3 differs from the one on node1: other content (12 bytes on both)"


def test_where_it_is_missing_first_the_next_node_is_the_measure() -> None:
    told = standings({N1: (FileFact(path=PATH, is_missing=True),), N2: (FACT,), N3: (FACT,)})
    assert told[N1] == (Standing.MISSING, f"{PATH} is missing on node1")
    assert told[N2][0] is told[N3][0] is Standing.SAME


def test_who_cannot_be_asked_is_neither_the_same_nor_different() -> None:
    told = standings({N1: (FACT,), N2: "node2 is not in the cluster now", N3: (replace(FACT, fault="denied"),)})
    assert told[N2] == (Standing.UNASKED, f"node2 cannot be asked about {PATH}: node2 is not in the cluster now")
    assert told[N3] == (Standing.UNASKED, f"{PATH} on node3 cannot be compared: denied")
    assert standings({N1: (), N2: (FACT,)})[N1][0] is Standing.UNASKED


def test_large_files_are_the_same_when_their_sizes_are() -> None:
    large = replace(FACT, sha256="", size=2_000_000)
    told = standings({N1: (large,), N2: (large,), N3: (replace(large, size=2_000_001),)})
    assert (told[N2][0], told[N3][0]) == (Standing.SAME, Standing.DIFFERS)


def test_a_source_without_the_file_says_how_to_mend_it() -> None:
    gone = differences(N1, [FileFact(path=PATH, is_missing=True)], ResourceName("web"), N2)
    assert "stanchion resource distribute web --from node2" in gone
    assert "denied" in differences(N1, [FileFact(path=PATH, fault="denied")], ResourceName("web"), N2)
    assert differences(N1, [FACT], ResourceName("web"), N2) == ""
