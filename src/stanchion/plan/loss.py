"""A node that is lost, as a thought: what would prove that it stopped, and the view in which that is so.

The questions are those that the master will ask when it really happens: has it a fence device, and would the brake let
that be used; does it stop itself, and is anybody left who may take the end of its lease for a proof?
"""

from collections.abc import Collection

from stanchion.model.cluster import Change, ClusterView, Key, Kind, Proof, ProofKind
from stanchion.model.fencing import Protection, Senses
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.plan import fencing
from stanchion.plan.failsafe import may_expire
from stanchion.plan.protection import protection

SWITCHED = frozenset({Protection.DEVICE, Protection.BOTH})
STOPS_ITSELF = frozenset({Protection.SELF_FENCE, Protection.BOTH})


def proof_to_come(view: ClusterView, node: NodeName, beside: Collection[NodeName] = ()) -> ProofKind | None:
    """Say which proof would come first if the node were lost now, ``beside`` others; None: none would by itself.

    That a fence device works is taken for granted: only a test of it can tell.
    """
    by = protection(view, node)
    if by in SWITCHED and not fencing.braked(view, fencing.suspect(view, Senses()) | {node, *beside}):
        return ProofKind.FENCED
    return ProofKind.EXPIRED if by in STOPS_ITSELF and not orphaned(view, node, beside) else None


def why_unproven(view: ClusterView, node: NodeName) -> Reason:
    """Say why nothing would prove that it stopped; call it only where ``proof_to_come`` gives None."""
    if not any(other != node for other in view.live):
        return reason(Why.NOBODY_LEFT, node)
    match protection(view, node):
        case Protection.NOTHING:
            return reason(Why.UNPROTECTED, node)
        case Protection.DEVICE:
            return reason(Why.FENCE_BRAKED)
        case _:
            return reason(Why.NOBODY_MAY_EXPIRE, node)


def orphaned(view: ClusterView, node: NodeName, beside: Collection[NodeName] = ()) -> bool:
    """Tell whether nobody is left who may take the end of the node's lease for a proof."""
    last = view.sessions.get(node)
    return last is None or not any(may_expire(last.value, other) for other in view.live
                                   if other != node and other not in beside)


def without(view: ClusterView, node: NodeName, proof: Proof | None) -> ClusterView:
    """Give the view in which the node is not a member any more, with that proof about its session."""
    changes = [Change(Key(Kind.LIVE, node), None, view.revision)]
    if proof is not None:
        changes.append(Change(Key(Kind.PROOF, proof.session), proof, view.revision))
    return view.apply(changes, view.revision)

