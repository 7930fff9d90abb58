"""From the records of the model to the shapes of the wire: what the view knows, as it is told to people."""

import re
from typing import Any, Literal

from stanchion.api import held_back
from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import ClusterView, Held, ProofKind, SelfFence, Session
from stanchion.model.fencing import Attempt, FenceDevice, Protection
from stanchion.model.history import Entry, Run
from stanchion.model.ids import NodeName, ResourceName, SessionId
from stanchion.model.orders import ENDED, Intent
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import Machine, Monitoring, Policies, ScriptKind, Scripts
from stanchion.model.state import holders
from stanchion.model.template import Template
from stanchion.model.timing import TIMINGS, Profile
from stanchion.plan import binding, capacity, monitoring_told, orders, quarantine, standing, strays, timing
from stanchion.plan.protection import protection
from stanchion.wire import replies
from stanchion.wire.capacity import SizeFrom, SizeInfo
from stanchion.wire.events import EventInfo
from stanchion.wire.requests import MASK


def reason_info(of: Reason) -> replies.ReasonInfo:
    """Tell a reason: its code, its operands, its sentence."""
    return replies.ReasonInfo(code=of.why.value, operands=of.operands, text=sentence(of))


def cluster_info(view: ClusterView, node: NodeName, version: str, *, store_away: bool = False) -> replies.ClusterInfo:
    """Tell what the cluster as a whole is like."""
    settings = view.settings.value if view.settings else None
    membership = view.membership.value if view.membership else None
    return replies.ClusterInfo(
        name=settings.cluster if settings else "",
        node=node,
        version=version,
        revision=view.revision,
        master=view.master.value.node if view.master else None,
        epoch=membership.epoch if membership else 0,
        quorum=membership.quorum if membership else False,
        quorum_nodes=settings.quorum_nodes if settings else 1,
        quorum_timeout_s=settings.quorum_timeout_s if settings else 0.0,
        formed_at=replies.instant(membership.formed_at_s) if membership else None,
        profile=settings.profile if settings else Profile.DEFAULT,
        pause=held_back.pause_info(view),
        down=held_back.down_info(view),
        store_away=store_away,
    )


def timing_info(view: ClusterView) -> replies.TimingInfo:
    """Tell the timers and why they are safe."""
    profile = view.settings.value.profile if view.settings else Profile.DEFAULT
    of = TIMINGS[profile]
    return replies.TimingInfo(
        profile=profile, beat_s=of.beat_s, suspect_s=of.suspect_s, renew_s=of.renew_s, halt_s=of.halt_s,
        fence_s=of.fence_s, lease_s=of.lease_s, granularity_s=of.granularity_s, derivation=timing.derivation(of))


def node_info(view: ClusterView, name: NodeName, silent: frozenset[SessionId] = frozenset()) -> replies.NodeInfo:
    """Tell one node; ``silent`` are the sessions that nobody hears."""
    known = view.nodes.get(name)
    session = view.sessions[name].value if name in view.sessions else None
    live = view.is_live(name)
    proof = view.proofs.get(session.id) if session else None
    held = sorted(state.value.name for state in view.states.values() if name in holders(state.value))
    return replies.NodeInfo(
        **_room(view, name),
        name=name,
        state=_node_state(view, name),
        silent=live and view.session_of(name) in silent,
        master=view.master is not None and view.master.value.node == name,
        self_fence=session.self_fence if session else SelfFence.NONE,
        protected_by=(by := protection(view, name)),
        unprotected=(reason_info(reason(Why.UNPROTECTED_MEANS, name))
                     if by is Protection.NOTHING and not (known and known.value.witness) else None),
        quarantine=reason_info(why) if (why := quarantine.told(view, name)) is not None else None,
        quarantined_at=replies.instant(known.value.quarantined_at_s) if known else None,
        emptying=held_back.emptying_info(view, name),
        fence=tuple(map(device_info, known.value.fence)) if known else (),
        fencing=_fencing_info(view, session) if session else None,
        witness=known is not None and known.value.witness,
        etcd=known.value.etcd if known else "",
        trusted_until=replies.instant(known.value.trusted_until_s) if known else None,
        revision=known.revision if known else 0,
        url=session.url if session else "",
        version=session.version if session else "",
        since=replies.instant(session.opened_at_s) if session and live else None,
        proof=proof.value.kind if proof and not live else None,
        resources=tuple(held),
        strays=strays.astray_on(view, name),
    )


def size_info(of: Size) -> SizeInfo:
    """Tell a size."""
    return SizeInfo(memory_mib=of.memory_mib, cpus=of.cpus)


def _room(view: ClusterView, name: NodeName) -> dict[str, Any]:
    """Tell what a host has, what machines may have of it, and what they take."""
    known, session = view.nodes.get(name), view.sessions.get(name)
    usable, promised = capacity.usable(view, name), capacity.promised(view, name)
    free = usable.minus(promised)
    return {
        "capacity": size_info(known.value.capacity if known else NOTHING_KNOWN),
        "reserve": size_info(known.value.reserve if known else NOTHING_KNOWN),
        "measured": size_info(session.value.capacity if session else NOTHING_KNOWN),
        "usable": size_info(usable),
        "promised": size_info(promised),
        "free": size_info(free) if usable.memory_mib else None,
    }


def _needs_from(view: ClusterView, name: ResourceName) -> SizeFrom:
    if view.specs[name].value.size.memory_mib:
        return "operator"
    return "configuration" if capacity.needs(view, name).memory_mib else "unknown"


SECRET = re.compile(r"pass(wd|word|phrase)|secret|token|community|(^|_)key($|_)", re.IGNORECASE)
"""Names of parameters whose values are not told: passwords, secrets, tokens, keys, SNMP communities."""


def device_info(of: FenceDevice) -> replies.FenceDeviceInfo:
    """Tell a fence device with its secrets masked."""
    shown = {name: MASK if SECRET.search(name) and value else value for name, value in of.parameters.items()}
    return replies.FenceDeviceInfo(agent=of.agent, parameters=shown, timeout_s=of.timeout_s)


def _fencing_info(view: ClusterView, session: Session) -> replies.FencingInfo | None:
    held = view.fencings.get(session.id)
    if held is None or session.id in view.proofs:
        return None
    of = held.value
    why = (reason(Why.FENCE_UNDER_WAY, of.node) if of.attempt is Attempt.ASKED
           else reason(Why.FENCE_FAILED, of.node, of.text))
    return replies.FencingInfo(attempt=of.attempt, tries=of.tries, at=replies.instant(of.at_s), text=sentence(why))


def _node_state(view: ClusterView, name: NodeName) -> Literal["up", "joining", "leaving", "left", "down"]:
    leaves, last = standing.leaves(view, name), view.sessions.get(name)
    if not view.is_live(name):
        proof = view.proofs.get(last.value.id) if last else None
        # Whom an operator asked out has left, whatever its end was; the others have only if they said so themselves.
        asked = name in view.nodes and not view.nodes[name].value.wanted
        return "left" if asked or (leaves and proof and proof.value.kind is ProofKind.CLEAN) else "down"
    if leaves:
        return "leaving"
    members = view.membership.value.members if view.membership else {}
    return "up" if members.get(name) == view.session_of(name) else "joining"


def resource_fields(view: ClusterView, name: ResourceName, process: int | None) -> dict[str, Any]:
    """Give the fields that a resource has in every list."""
    spec, held = view.specs[name], view.states[name]
    state = held.value
    move = state.move
    return {
        "name": name,
        "template": spec.value.template,
        "state": state.state,
        "node": state.node,
        "lives": state.lives,
        "since": replies.instant(state.since_s),
        "reason": reason_info(state.reason),
        "alert": state.alert,
        "move": replies.MoveInfo(target=move.target, live=move.live, phase=move.phase) if move else None,
        "pending": binding.bound(view, name) is not None,
        "possible": orders.possible(view, name),
        "process": process,
        "needs": size_info(capacity.needs(view, name)),
        "strays": tuple(replies.StrayInfo(node=seen.node, since=replies.instant(seen.since_s),
                                          text=sentence(strays.stands(seen)), machine=seen.machine)
                        for seen in strays.places(view, name)),
    }


def shown_resources(view: ClusterView) -> list[ResourceName]:
    """Name the resources in order. One whose configuration and state are not both there yet is left out."""
    return sorted((name for name in view.specs if name in view.states), key=str.casefold)


def resource_detail(view: ClusterView, name: ResourceName, process: int | None,
                    last_runs: list[Run]) -> replies.ResourceDetail:
    """Tell one resource with its configuration and the last run of each of its scripts."""
    held = view.specs[name]
    spec = held.value
    return replies.ResourceDetail(
        **resource_fields(view, name, process),
        **configuration(spec.scripts, spec.machine, spec.monitoring, spec.policies),
        spec_revision=held.revision,
        monitoring_text=monitoring_told.describe(view, spec),
        live=spec.live,
        files=spec.files,
        preferred=spec.preferred,
        parameters=dict(spec.parameters),
        size=size_info(spec.size),
        measured=size_info(view.states[name].value.size),
        needs_from=_needs_from(view, name),
        marks=view.states[name].value.marks,
        pending_scripts=_pending(view, name),
        failures=tuple(filter(None, map(replies.instant, view.states[name].value.failures))),
        saved_why=spec.saved_why,
        saved_by=spec.saved_by,
        saved_at=replies.instant(spec.saved_at_s),
        last_runs=tuple(run_info(run, output=False) for run in last_runs),
    )


def _pending(view: ClusterView, name: ResourceName) -> tuple[ScriptKind, ...]:
    """Name the scripts that are saved and wait for the next load."""
    kept = binding.bound(view, name)
    newest = view.specs[name].value.scripts
    return () if kept is None else tuple(kind for kind in ScriptKind if newest.of(kind) != kept.scripts.of(kind))


def configuration(scripts: Scripts, machine: Machine, monitoring: Monitoring, policies: Policies) -> dict[str, Any]:
    """Give the fields that resources and templates have in common."""
    return {
        "scripts": {
            kind: replies.ScriptInfo(text=scripts.of(kind).text, timeout_s=scripts.of(kind).timeout_s)
            for kind in ScriptKind
        },
        "machine": replies.MachineInfo(kind=machine.kind, name=machine.name),
        "monitoring": replies.MonitoringInfo.model_validate(monitoring, from_attributes=True),
        "policies": replies.PoliciesInfo.model_validate(policies, from_attributes=True),
    }


def template_info(of: Template) -> replies.TemplateInfo:
    """Tell a template's form."""
    return replies.TemplateInfo(**_form(of))


def template_detail(held: Held[Template], used_by: tuple[str, ...]) -> replies.TemplateDetail:
    """Tell a template with its scripts."""
    of = held.value
    return replies.TemplateDetail(
        **_form(of), **configuration(of.scripts, of.machine, of.monitoring, of.policies),
        revision=held.revision, used_by=used_by, files=of.files)


def _form(of: Template) -> dict[str, Any]:
    return {
        "name": of.name, "title": of.title, "description": of.description, "live": of.live,
        "parameters": tuple(
            replies.ParameterInfo.model_validate(parameter, from_attributes=True) for parameter in of.parameters),
    }


def run_info(of: Run, *, output: bool) -> replies.RunInfo:
    """Tell one run of a script."""
    return replies.RunInfo(
        resource=of.resource, script=of.script, operation=of.operation, node=of.node,
        started_at=replies.instant(of.started_at_s), ended_at=replies.instant(of.ended_at_s), end=of.end,
        code=of.code, command=of.command, pid=of.pid, output=of.output if output else None)


def intent_info(of: Intent) -> replies.IntentInfo:
    """Tell an order and what became of it."""
    return replies.IntentInfo(
        id=of.id, verb=of.verb, by=of.by, at=replies.instant(of.at_s), resource=of.resource, node=of.node,
        live=of.live, outcome=of.outcome, ended=of.outcome in ENDED,
        reason=reason_info(of.reason) if of.reason else None, operation=of.operation,
        ended_at=replies.instant(of.ended_at_s))


def event_info(name: str, of: Entry) -> EventInfo:
    """Tell one line of the history."""
    return EventInfo(
        id=name, at=replies.instant(of.at_s), severity=of.severity, reason=reason_info(of.reason), by=of.by,
        node=of.node, resource=of.resource, before=of.before, after=of.after, cause=of.cause,
        operation=of.operation)
