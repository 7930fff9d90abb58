"""How memory and processors look to people."""

from stanchion.wire.capacity import SizeInfo, mib, said
from stanchion.wire.replies import NodeInfo, ResourceDetail

_SOURCES = {"operator": "set by an operator", "configuration": "by its configuration, where it was loaded last",
            "unknown": "not known; it bars nothing"}


def node_rows(of: NodeInfo) -> list[tuple[str, str]]:
    """Show what a host has, what machines may have of it, and what is promised."""
    if of.witness:
        return []
    has = SizeInfo(memory_mib=of.capacity.memory_mib or of.measured.memory_mib,
                   cpus=of.capacity.cpus or of.measured.cpus)
    by = "set by an operator" if of.capacity != SizeInfo() else "measured"
    left = "" if of.free is None else f" ({mib(of.free.memory_mib)} free)"
    promised = said(of.promised) if of.promised != SizeInfo() else "nothing"
    return [("Host has", f"{said(has)} ({by})" if has != SizeInfo() else "not known"),
            ("For machines", said(of.usable)), ("Promised", promised + left)]


def needs(of: ResourceDetail) -> str:
    """Show what a machine takes, and who says so."""
    return f"{said(of.needs)} ({_SOURCES[of.needs_from]})" if of.needs != SizeInfo() else _SOURCES["unknown"]
