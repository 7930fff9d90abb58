"""Reasons as data: every decision says why with an enum member and operands, never with prose.

A ``Reason`` travels from the decision into the resource's state, the history and the API. One renderer
(``sentence``) turns it into the English that people read, so the same decision reads the same in the command line,
the console and the journal, and a test can compare reasons without comparing wording.
"""

from dataclasses import dataclass

from stanchion.model.why import Why

__all__ = ["SENTENCES", "Reason", "Why", "reason", "sentence"]

SENTENCES: dict[Why, str] = {
    Why.CREATED: "created from template {0}",
    Why.ONLINE_ASKED: "{0} asked for it to be online",
    Why.OFFLINE_ASKED: "{0} asked for it to be offline",
    Why.MIGRATE_ASKED: "{0} asked to move it to {1}",
    Why.ALERT_YES: "{0} answered the alert with yes",
    Why.ALERT_NO: "{0} answered the alert with no",
    Why.NODE_LEAVES: "node {0} is leaving the cluster",
    Why.NODE_DRAINS: "node {0} is being drained",
    Why.NODE_SHUTS_DOWN: "the host of node {0} is shutting down",
    Why.CLUSTER_STOPS: "the whole cluster is being stopped",
    Why.KEPT_FOR: "the host of {0} was shut down and machines are kept for it: it loads there when {0} is "
                  "back; to load it elsewhere, set it offline, then online",
    Why.CLUSTER_START: "the cluster started",
    Why.QUORUM_MISSING: "waiting for quorum: {0} of {1} nodes are up",
    Why.QUORUM_REACHED: "the start-up quorum is reached",
    Why.START_MANUAL: "start mode is MANUAL: answer the alert to start it on {0}",
    Why.FAILOVER: "failed over from {0}: {1}",
    Why.FAILOVER_MANUAL: "node {0} was lost and failover mode is MANUAL: answer the alert to start it on {1}",
    Why.FAILBACK: "failing back to its first preferred node {0}",
    Why.FAILBACK_MANUAL: "its first preferred node {0} is back and failback mode is MANUAL: "
                         "answer the alert to move it",
    Why.FOLLOWS_MASTER: "it follows the master, which is now {0}",
    Why.FOLLOWS_GROUP: "it is kept together with {0}, which is on {1}",
    Why.LOAD_ELSEWHERE: "its load failed on {0} ({1}): cleaned up there, then tried on {2}",
    Why.LOAD_AGAIN: "its load failed on {0}: cleaned up and tried again, time {1}",
    Why.REPLACED: "node {0} went away before it began to load there",
    Why.NODE_CAME: "node {0} can hold it now",
    Why.NO_NODE: "no node can hold it: {0}",
    Why.LOADED: "the load script ended well",
    Why.ADOPTED: "found running on {0} and adopted",
    Why.LOAD_FAILED: "the load script failed with code {0}: {1}",
    Why.LOAD_TIMEOUT: "the load script did not end within {0} s",
    Why.LOAD_NOT_RUNNING: "the load script ended well, but the machine is not running",
    Why.UNLOADED: "the unload script ended well and the machine is gone",
    Why.UNLOAD_FAILED: "the unload script failed with code {0}: {1}",
    Why.UNLOAD_TIMEOUT: "the unload script did not end within {0} s",
    Why.STILL_RUNNING: "the unload script ended well, but the machine still runs on {0}",
    Why.LOOK_UNKNOWN: "it cannot be known whether the machine runs on {0}: {1}",
    Why.MONITOR_RESTART: "monitor failure {0} of {1} within {2} s: restarted on its node ({3})",
    Why.MONITOR_COMATOSE: "{0} monitor failure{0:s} within {1} s: set comatose ({2})",
    Why.MONITOR_MIGRATE: "{0} monitor failure{0:s} within {1} s: moved to the next preferred node {2} ({3})",
    Why.MONITOR_REBOOT: "{0} monitor failure{0:s} within {1} s: node {2} is reset ({3})",
    Why.MONITOR_NO_OTHER: "{0} monitor failure{0:s} within {1} s, and no other node can hold it ({2})",
    Why.FOUND_STOPPED: "found not running on {0}",
    Why.POISONOUS: "its host was lost {0} times just after it started: not started again by itself",
    Why.MOVE_BUDGET: "moved by itself {0} time{0:s} within an hour: not moved again by itself",
    Why.BALANCE_EVENS: "evening the nodes out: {0} was {1} % full, and {2} is {3} % full with it",
    Why.BALANCE_RELIEVES: "relieving {0}, which it prefers: {0} was {1} % full, and {2} is {3} % full with it",
    Why.BALANCE_RETURNS: "going back to {2}, which it prefers to {0}: {0} was {1} % full, and {2} is {3} % full with "
                         "it",
    Why.BALANCE_ASKED: "{0} asked to even the nodes out: {1} move{1:s}, one after the other",
    Why.BALANCE_STOPPED: "{0} asked to even the nodes out no further: {1} move{1:s} not begun",
    Why.BALANCE_SKIPPED: "not moved to {0} to even the nodes out: {1}",
    Why.STAYS_COLD: "{1} of the machines on {0} cannot move live",
    Why.STAYS_BY_BUDGET: "{1} of the machines on {0} have used up their moves of the last hour",
    Why.STAYS_BUSY: "{1} of the machines on {0} are busy, or could not be moved the last time",
    Why.STAYS_BY_RULE: "{1} of the machines on {0} follow the master, or were sent there by their monitor",
    Why.STAYS_UNKNOWN: "how much room {1} of the machines on {0} take is not known",
    Why.STAYS_BEST: "no other node that {1} of the machines on {0} may be on would be at least {2} points emptier with "
                    "one",
    Why.PREPARED: "node {0} is ready to receive it",
    Why.PREFLIGHT_FAILED: "node {0} cannot receive it: {1}",
    Why.MIGRATED: "migrated live from {0} to {1}",
    Why.MIGRATE_FAILED: "live migration to {0} failed ({1}); it kept running on {2}",
    Why.MIGRATE_LOST: "live migration to {0} failed ({1}) and the machine stopped; started again on {2}",
    Why.TARGET_LOST: "node {0} was lost while it should receive the machine",
    Why.SOURCE_LOST: "node {0} was lost while the machine was moving away from it",
    Why.HOLDER_LOST: "node {0} was lost while it held the resource ({1})",
    Why.HALTED: "node {0} lost the cluster and halted it",
    Why.NODE_DOWN: "{0} is not a member now",
    Why.NODE_LEFT: "{0} has left the cluster",
    Why.NODE_DRAINED: "{0} is drained: `stanchion undrain {0}` ends that",
    Why.NODE_CLOSING: "the host of {0} is shutting down; `stanchion node join {0}` takes that back",
    Why.CLUSTER_DOWN: "the whole cluster is stopped: `stanchion up` starts it",
    Why.NODE_NOT_LISTED: "{0} is not among its preferred nodes",
    Why.NODE_EXCLUDED: "{0} holds {1}, which must not share a node with it",
    Why.NODE_FULL: "{0} has {2} MiB of memory left of the {3} that machines may have there, and it needs {1}",
    Why.GUARANTEE_BROKEN: "the cluster would no longer survive the loss of any {0} node{0:s}: without {1} there would "
                          "be no place for {2} ({3})",
    Why.GAVE_WAY: "it gave way to {0}, which needs its memory on {1} and comes before it",
    Why.NODE_NOT_MASTER: "{0} is not the master, and it follows the master",
    Why.NODE_CURRENT: "{0} is where it is now",
    Why.NODE_WITNESS: "{0} is a witness, which never holds a resource",
    Why.NODE_FREED: "{0} is being emptied",
    Why.NODE_PARTED: "it is kept together with {1}, which is on {2}, so it cannot be on {0}; "
                     "`stanchion migrate {1} {0}` moves both",
    Why.NODE_PARTS: "{1} is kept together with it and cannot be on {0} ({2})",
    Why.NODE_STRAY: "{1} is not started on {0} while it runs on {2}, where nobody sent it",
    Why.NODE_STORAGE: "{1} is not started on {0} while its storage is in use on {2} ({3})",
    Why.NODE_STORAGE_OLD: "{1} is not started on {0} before its storage is released there ({2}): another node used it "
                          "meanwhile",
    Why.NODE_QUARANTINED: "{0} is in quarantine, because it left uncleanly again and again: "
                          "`stanchion node release {0}` ends that",
    Why.RANK: "{0} is number {1} of its {2} preferred nodes",
    Why.NODE_READY: "{0} could hold it too",
    Why.PROOF_AWAITED: "waiting for the lease of {0} to run out, which proves that nothing runs there",
    Why.COMATOSE_HOW: "look at its last run, then set it offline: its unload script cleans up",
    Why.TRIED_AGAIN_IN: "it is cleaned up and loaded again by itself in {0} s",
    Why.LED_BY: "it is kept together with {0}, which leads: it goes where {0} goes",
    Why.LEADS: "it leads {0}, kept together with it: they go where it goes",
    Why.UNDER_WAY: "this is being done on node {0}",
    Why.HELD_BY_NONE: "nothing: no node holds it now",
    Why.STAYS_UNTIL_PROOF: "it stays as it is until {0} returns or an operator confirms that {0} is down",
    Why.STAYS: "nothing by itself: it stays {0}",
    Why.PAUSE_STANDS: "the cluster is paused, by {0}: it begins nothing by itself until `stanchion resume`",
    Why.STAYS_COMATOSE: "it is comatose; look at its last run, then set it offline: its unload script cleans up",
    Why.STAYS_UNPROVEN: "nothing proves that it runs no more on {0}, which is not a member now",
    Why.WOULD_LOAD: "it would load on {0}",
    Why.WOULD_ASK: "an alert would ask whether to start it on {0}",
    Why.WOULD_WAIT: "it would wait, unassigned, for a node",
    Why.WOULD_REST: "it would not start elsewhere by itself after {0} is lost",
    Why.WOULD_START: "as after a stop of the whole cluster, its start mode would decide once the quorum is reached",
    Why.WOULD_FOLLOW: "it follows the master, which is {0}: it would go where the next master is, if it may run there",
    Why.WOULD_BE_POISONOUS: "its host would then have been lost {0} times just after it started",
    Why.UNKNOWN_RESOURCE: "there is no resource {0}; `stanchion status` lists them",
    Why.UNKNOWN_NODE: "there is no node {0}; `stanchion node list` lists them",
    Why.ILLEGAL_NOW: "{0} is not possible while it is {1}; possible now: {2}",
    Why.NO_ALERT: "it asks nothing: it is {0}, because {1}",
    Why.OTHER_ALERT: "the {0} alert that was answered is gone; now a {1} alert asks: look at it, then answer that one",
    Why.ALREADY_THERE: "it already runs on {0}; name another node",
    Why.NOT_LIVE: "its scripts cannot migrate live; leave --live out to move it by unload and load",
    Why.NODE_NOT_MEMBER: "{0} has left already",
    Why.NODE_IS_MEMBER: "{0} is a member already",
    Why.NODE_NOT_IN_DOUBT: "nothing about {0} is in doubt: it is a member, or it is proven to run nothing",
    Why.NODE_NOT_QUARANTINED: "{0} is not in quarantine",
    Why.NODE_IS_DRAINED: "{0} is drained already; `stanchion node show {0}` tells what is left there",
    Why.NODE_NOT_DRAINED: "{0} is not drained",
    Why.DRAIN_NOWHERE: "no other member could hold anything, so {0} cannot be drained; `stanchion down` stops the "
                       "whole cluster",
    Why.DRAIN_WITNESS: "{0} is a witness: it never holds a resource, so there is nothing to drain",
    Why.ENDED_PROCESS: "the running script was ended",
    Why.NO_PROCESS: "no script of {0} is running",
    Why.SUPERSEDED: "overtaken by events: {0}",
    Why.NODE_JOINED: "node {0} joined",
    Why.NODE_LOST: "node {0} is not answering",
    Why.NODE_GONE: "node {0} left",
    Why.PROOF_CLEAN: "node {0} gave its session back with nothing running",
    Why.PROOF_FENCED: "the fence device reports {0} off",
    Why.PROOF_EXPIRED: "the lease of {0} ran out and its self-fence was armed",
    Why.PROOF_CONFIRMED: "{1} stated that {0} is down",
    Why.PROOF_RESET: "{0} was restarted, so nothing survived there",
    Why.UNPROTECTED: "nothing proves that {0} stopped: it has neither a self-fence nor a fence device",
    Why.UNPROTECTED_MEANS: "nothing protects {0}: if it is lost, what it holds stays down until {0} returns or an "
                           "operator confirms that it is down",
    Why.SELF_FENCE_LOST: "node {0} lost its self-fence; its fence device still protects it",
    Why.STORE_WAS_AWAY: "the store was away for {1} s; node {0} kept its machines, by the consent of {2}",
    Why.NOBODY_MAY_EXPIRE: "the end of the lease of {0} proves nothing to the members that are left: {0} was lost "
                           "before it knew them, and may have kept its machines by the consent of others",
    Why.NOBODY_LEFT: "no other member is left that could take anything over from {0}",
    Why.FENCE_ASKED: "node {0} is silent: switching it off by its fence device",
    Why.FENCE_SETTLED: "node {0} need not be switched off any more",
    Why.FENCE_FAILED: "node {0} could not be switched off: {1}",
    Why.FENCE_UNDER_WAY: "{0} is being switched off by its fence device",
    Why.FENCE_AWAITED: "waiting for the fence device of {0} to report it off, which proves that nothing runs there",
    Why.FENCE_BRAKED: "half or more of the members are lost at once, so nobody is switched off",
    Why.FENCE_SAVED: "{0} saved the fence devices of node {1}: {2}",
    Why.CAPACITY_SAVED: "{0} saved what node {1} has: {2}",
    Why.FENCE_TESTED: "{0} has node {1} switched off and on again, to test its fence devices",
    Why.MASTER_IS: "node {0} is the master",
    Why.LEAVE_ASKED: "{0} asked node {1} to leave",
    Why.JOIN_ASKED: "{0} asked node {1} to join",
    Why.CONFIRM_ASKED: "{0} confirmed that node {1} is down",
    Why.QUARANTINED: "node {0} left uncleanly {1} times within an hour: in quarantine it is given nothing to hold",
    Why.QUARANTINE_STANDS: "node {0} left uncleanly again and again: it is given nothing to hold for two hours, or "
                           "until `stanchion node release {0}`",
    Why.QUARANTINE_LIFTED: "node {0} left uncleanly again and again, but no other member is free of quarantine, so it "
                           "is given machines all the same",
    Why.QUARANTINE_ENDED: "the quarantine of node {0} is over",
    Why.RELEASE_ASKED: "{0} released node {1} from quarantine",
    Why.DRAIN_ASKED: "{0} asked node {1} to be drained",
    Why.UNDRAIN_ASKED: "{0} ended the drain of node {1}",
    Why.EMPTY: "nothing is left on {0}: it is safe to power off",
    Why.NOT_EMPTY: "not everything can go from {0}: {1}",
    Why.STARTED_ANEW: "the host of {0} was started anew since that was ordered",
    Why.HAND_OVER_ASKED: "{0} told that the host of node {1} shuts down: what it holds is handed over ({2})",
    Why.PAUSED: "{0} paused the cluster until somebody resumes it{1}",
    Why.PAUSED_UNTIL: "{0} paused the cluster until {2}{1}",
    Why.RESUMED: "{0} resumed the cluster: it acts by itself again",
    Why.PAUSE_OVER: "the pause is over: the cluster acts by itself again",
    Why.DOWN_ASKED: "{0} asked the whole cluster to stop{1}",
    Why.UP_ASKED: "{0} asked the whole cluster to start",
    Why.UP_BY_BOOT: "node {0} was started anew, and with it the stopped cluster",
    Why.STRAY_SEEN: "found running on {0}, where nobody sent it ({1}): it is left alone, and is started nowhere else",
    Why.STRAY_STANDS: "it runs on {0}, where nobody sent it: stop it there, or bring it online on {0} while no other "
                      "node holds it",
    Why.STRAY_GONE: "the stray on {0} is gone",
    Why.STRAY_OURS: "what ran on {0} as a stray belongs there now",
    Why.STRAY_PROVEN: "the stray on {0} is gone: {1}",
    Why.STORAGE_SEEN: "its storage was found in use on {0}, where nobody sent it ({1}): that is left alone, and it is "
                      "started nowhere else",
    Why.STORAGE_STANDS: "its storage is in use on {0}, where nobody sent it ({1}): unmount and deactivate it there",
    Why.STORAGE_GONE: "its storage is not in use on {0} any more",
    Why.STORAGE_OURS: "its storage that was in use on {0} belongs there now",
    Why.STORAGE_LEFT: "its unload script ended well on {0} but left its storage in use there ({1})",
    Why.NOTIFY_SAVED: "{0} saved the notification by {1}",
    Why.NOTIFY_REMOVED: "{0} ended the notification by {1}",
    Why.NOTIFY_FAILED: "nobody can be notified by {0} now, and it is tried again: {1}",
    Why.NOTIFY_WORKS: "notification by {0} works again",
    Why.TOKEN_MADE: "{0} made the join token {1}",
    Why.TOKEN_REVOKED: "{0} revoked the join token {1}",
    Why.AUDIT: "{0} from {1} ({2}) asked {3} {4}: {5}",
    Why.ACCESS_CHANGED: "{0}, from {1}, changed the access of {2}: {3}",
    Why.SIGNED_IN: "{0} signed in from {1}",
    Why.SIGN_IN_REFUSED: "{0} was not signed in from {1}: {2}",
    Why.NODE_ADMITTED: "node {0} was given a certificate with the join token {1} of {2}",
    Why.NODE_CERTIFIED: "node {0} was given a new certificate, until {1}",
    Why.NODE_REMOVED: "{0} removed node {1}; its certificate {2} is accepted no more",
    Why.SETTINGS_SAVED: "{0} saved the cluster's settings: {1}",
    Why.GROUP_SAVED: "{0} saved the group {1}: {2} {3}",
    Why.GROUP_DELETED: "{0} deleted the group {1}",
    Why.PRIORITIES_SAVED: "{0} saved the order in which resources load",
    Why.SPEC_SAVED: "{0} saved its configuration",
    Why.SPEC_SAVED_WHY: "{0} saved its configuration: {1}",
    Why.SPEC_RESTORED: "{0} restored its configuration of revision {1}",
    Why.SPEC_APPLIED: "{0} made its newest scripts count at once",
    Why.SPEC_IMPORTED: "imported by {0}",
    Why.TEMPLATE_SAVED: "{0} saved the template {1}",
    Why.TEMPLATE_DELETED: "{0} deleted the template {1}",
    Why.ADOPT_ASKED: "{0} asked to adopt it where it runs, on {1}",
    Why.NOT_THERE: "it is not found running on {0}, so there is nothing to adopt ({1})",
    Why.TESTED: "its {0} script was tried and ended with code {1}",
    Why.TEST_OVERDUE: "its {0} script was tried and did not end within {1} s; it is not killed: "
                      "`stanchion end-process` ends it",
    Why.TEST_REFUSED: "its {0} script could not be tried: {1}",
    Why.TEST_UNDER_WAY: "its {0} script is being tried on {1}; wait until that has ended",
    Why.TEST_STARTS: "its {0} script starts things, so it is never tried for real; try it dry, or bring it online",
    Why.NO_SCRIPT: "it has no {0} script",
    Why.DELETED: "{0} deleted it",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is as it is: an enum member and the operands of its sentence."""

    why: Why
    operands: tuple[str, ...] = ()


MOST_OPERANDS = 12
"""No sentence has more."""


def reason(why: Why, *operands: object) -> Reason:
    """Make a reason; operands are kept as text, because a reason is shown and never computed with."""
    return Reason(why, tuple(str(operand) for operand in operands))


def sentence(of: Reason) -> str:
    """Render a reason as one English clause without a full stop.

    Operands that a record lacks (written by an older version, say) are shown as ``?`` rather than lost.
    """
    template = SENTENCES[of.why]
    padded = of.operands + ("?",) * MOST_OPERANDS
    return template.format(*map(_Word, padded))


class _Word(str):
    """An operand; ``{0:s}`` is the ending of the plural that goes with it as a number."""

    __slots__ = ()

    def __format__(self, wanted: str) -> str:
        """Show it, or the ending."""
        return str(self) if wanted != "s" else "" if self == "1" else "s"
