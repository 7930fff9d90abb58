"""How memory and processors look to people."""

from stanchion.wire.capacity import SizeInfo
from stanchion.wire.replies import NodeInfo, ResourceDetail

GIB = 1024
_SOURCES = {"operator": "set by an operator", "configuration": "by its configuration, where it was loaded last",
            "unknown": "not known; it bars nothing"}


def mib(of: int) -> str:
    """Show memory in GiB where it is that much, else in MiB."""
    return f"{of / GIB:.1f} GiB".replace(".0 ", " ") if abs(of) >= GIB else f"{of} MiB"


def size(of: SizeInfo) -> str:
    """Show what is known of a size."""
    parts = [mib(of.memory_mib)] if of.memory_mib else []
    parts += [f"{of.cpus:g} processor{'' if of.cpus == 1 else 's'}"] if of.cpus else []
    return ", ".join(parts) or "not known"


def memory(of: NodeInfo) -> str:
    """Show how much of a node's memory is promised, in few words."""
    if of.usable.memory_mib:
        return f"{mib(of.promised.memory_mib)} of {mib(of.usable.memory_mib)}"
    return mib(of.promised.memory_mib) if of.promised.memory_mib else "-"


def node_rows(of: NodeInfo) -> list[tuple[str, str]]:
    """Show what a host has, what machines may have of it, and what is promised."""
    if of.witness:
        return []
    has = SizeInfo(memory_mib=of.capacity.memory_mib or of.measured.memory_mib, cpus=of.capacity.cpus or of.measured.cpus)
    by = "set by an operator" if of.capacity != SizeInfo() else "measured"
    left = "" if of.free is None else f" ({mib(of.free.memory_mib)} free)"
    return [("Host has", f"{size(has)} ({by})" if has != SizeInfo() else "not known"),
            ("For machines", size(of.usable)), ("Promised", (size(of.promised) if of.promised != SizeInfo() else "nothing")
                                                + left)]


def needs(of: ResourceDetail) -> str:
    """Show what a machine takes, and who says so."""
    return f"{size(of.needs)} ({_SOURCES[of.needs_from]})" if of.needs != SizeInfo() else _SOURCES["unknown"]
