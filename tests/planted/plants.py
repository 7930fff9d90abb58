"""Planted safety bugs: what a tired programmer might write, as substitutions of text in a copy of the product.

Nothing of this is in the product: a plant is applied to a scratch copy, and its text must be there, word for word, so
that a plant which the product outgrew turns red. ``seed`` is the first short life that finds it, ``invariant`` what
broke there; ``./scripts/hunt`` finds them anew and writes the table in ``docs/planted.md``.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

HUNT = """
import sys
from stanchion.sim.swarm import tell
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    violation = tell(seed, short=True).violation
    if violation is not None:
        print(seed, violation.invariant, violation.text, sep="|")
        break
"""


@dataclass(frozen=True, slots=True)
class Edit:
    """Put one text in the place of another, in one file of the package."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plant:
    """One bug: its name, where it is, and the seed and invariant by which it is found."""

    name: str
    edits: tuple[Edit, ...]
    seed: int
    invariant: str


def planted(plant: Plant, directory: Path) -> Path:
    """Make a copy of the product with the bug in it; give the directory to import from."""
    shutil.copytree(ROOT / "src" / "stanchion", directory / "stanchion", ignore=shutil.ignore_patterns("__pycache__"))
    for edit in plant.edits:
        path = directory / "stanchion" / edit.file
        text = path.read_text()
        assert text.count(edit.old) == 1, f"{plant.name}: {edit.file} holds the text {text.count(edit.old)} times"
        path.write_text(text.replace(edit.old, edit.new))
    return directory


def hunt(source: Path, first: int, last: int) -> tuple[int, str, str] | None:
    """Play short lives until one breaks something; give its seed, the invariant and the sentence."""
    done = subprocess.run([sys.executable, "-c", HUNT, str(first), str(last)], capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
    if not done.stdout.strip():
        return None
    seed, invariant, text = done.stdout.strip().split("|", 2)
    return int(seed), invariant, text


TENURE, OPENING, DUTY, RECOVERY = "agent/tenure.py", "agent/opening.py", "plan/duty.py", "plan/recovery.py"
MASTERY, MEMBERSHIP, FENCES = "agent/mastery.py", "plan/membership.py", "agent/fencing.py"
EXECUTOR, NODE, FENCING = "agent/executor.py", "plan/node.py", "plan/fencing.py"
FAILSAFE = "agent/failsafe.py"

PLANTS = (
    Plant("the deadline counts from the reply, not from before the send", (
        Edit(TENURE, "                self._renewed_at = sent\n                self._doors.watchdog.feed(sent +",
             "                self._renewed_at = sent = clock.now().mono_s\n"
             "                self._doors.watchdog.feed(sent +"),), 113, "I3"),
    Plant("the watchdog fires after the lease has ended", (
        Edit(OPENING, "self._doors.watchdog.arm(now.mono_s + timing.fence_s)",
             "self._doors.watchdog.arm(now.mono_s + timing.lease_s + 3)"),
        Edit(TENURE, "                self._doors.watchdog.feed(sent + timing.fence_s)",
             "                self._doors.watchdog.feed(sent + timing.lease_s + 3)")), 0, "I3"),
    Plant("the guard on the master's key is left out", (
        Edit(MASTERY, "guards = (here, Guard(Key(Kind.MASTER), view.master.revision))", "guards = (here,)"),), 150, ""),
    Plant("the guards on the writer's own session are left out", (
        Edit(MASTERY, "guards=(*wanted.guards, *guards)", "guards=wanted.guards"),), 150, ""),
    Plant("the compare-and-swap on a resource's record is left out", (
        Edit("plan/change.py", "guards=(guard, *guards)", "guards=tuple(guards)"),), 80, "I5"),
    Plant("suspicion is taken for a proof", (
        Edit(FENCES, "power, told = await self._doors.fencer.off(device)", 'power, told = Power.OFF, "it is silent"'),
    ), 1, "I2"),
    Plant("a fence command that ended well is taken for the power state", (
        Edit(FENCES, "if power is Power.OFF:", "if power is not Power.UNKNOWN:"),), 95, "I2"),
    Plant("the watch goes on after a gap with what is past", (
        Edit("agent/follow.py", "        if isinstance(news, Resync):\n            return\n",
             "        if isinstance(news, Resync):\n            later = (await store.snapshot()).revision\n"
             "            async for more in store.watch(later):\n                if isinstance(more, Resync):\n"
             "                    return\n                view = view.apply(more.changes, more.revision)\n"
             "                seen(view)\n            return\n"),), 8, "liveness"),
    Plant("an unload is believed without looking", (
        Edit(DUTY, "    if found is None and lookable(case.spec.value):\n        return Look(step=Step.LOOK_AFTER, "
                   "stage=case.stage, spec=case.spec.value, after_unload=run.code == 0)\n", ""),), 21, "I2"),
    Plant("a halt is believed without looking", (
        Edit(EXECUTOR, "presence, text = await self._doors.hypervisor.look(spec)\n                if code",
             'presence, text = Presence.ABSENT, "halted"\n                if code'),), 94, "I2"),
    Plant("the halt forgets what is on its way here", (
        Edit(NODE, "if duty.busy is not None and name in state.view.specs:", "if name in specs:"),), 150, ""),
    Plant("a node that stops gives its session back although it holds machines", (
        Edit("plan/sessions.py", "if held_here(view, mine.node) or live is None", "if live is None"),), 1, "I2"),
    Plant("the source of a migration is lost and taken for clean", (
        Edit(RECOVERY, "    if source is Fate.PROVEN and (move.phase is Phase.PREPARE or target is Fate.PROVEN):",
             "    if source is not Fate.LIVE and (move.phase is Phase.PREPARE or target is Fate.PROVEN):"),), 150, ""),
    Plant("the target of a migration is lost and taken for never started", (
        Edit(RECOVERY, "    if target is Fate.PROVEN and arriving and source is not Fate.PROVEN:",
             "    if target is not Fate.LIVE and arriving and source is not Fate.PROVEN:"),), 150, ""),
    Plant("an agent that is restarted starts its machines anew instead of adopting them", (
        Edit(OPENING, "known and last.value.id not in view.proofs and", "known and last.value.id in view.proofs and"),
        Edit(DUTY, "    if adopts:\n        return e.Claimed(session=case.session, why=case.state.reason)\n",
             "    if adopts:\n        return e.Sent(target=case.me, why=case.state.reason,\n"
             "                      operation=next_operation(case.state.name, case.held.revision))\n")), 9, "I2"),
    Plant("an expired lease proves without an armed self-fence", (
        Edit(MEMBERSHIP, " and session.self_fence is not SelfFence.NONE:", ":"),), 21, "I2"),
    Plant("a lost watchdog is not told to the cluster", (
        Edit(OPENING, "            if not await undeclare(self._doors, session):\n                return None\n", ""),
        Edit(TENURE, "if session.self_fence is not SelfFence.NONE and not self._doors.watchdog.armed and (",
             "if not session.id and (")), 138, "I2"),
    Plant("a node that is away counts as proven, and the last check is left out", (
        Edit(MEMBERSHIP, "Fate.RETURNED if present is not None else Fate.DOUBTFUL",
             "Fate.RETURNED if present is not None else Fate.PROVEN"),
        Edit(MASTERY, "                check(seen, decision)\n", "                assert check\n")), 21, "I2"),
    Plant("the brake counts too late", (
        Edit(FENCING, "return 2 * len(suspects) >= len(members | suspects)",
             "return len(suspects) > len(members | suspects)"),), 17, "brake"),
    Plant("exclusion is asked of the present place alone, not of where a move goes", (
        Edit("plan/placement.py", "node in (*holders(held.value), held.value.move and held.value.move.target)",
             "node in holders(held.value)"),), 301, "I4"),
    Plant("machines are not halted when the node is cut off", (
        Edit(EXECUTOR, "                self._start(self._halt_all(action.specs), lasting=True)\n", ""),
        Edit(TENURE, "                while not self._safe():\n                    await self._changed()\n",
             "                await self._changed()\n")), 0, "I3"),
    Plant("the consent of all but one is enough", (
        Edit(FAILSAFE, "not all(other.id in self._granted for other in needed)",
             "len([other for other in needed if other.id in self._granted]) < len(needed) - 1"),
        Edit(FAILSAFE, "min((self._granted[other.id] for other in needed), default",
             "min((self._granted[other.id] for other in needed if other.id in self._granted), default")), 0, "I3"),
    Plant("who regains the store forgets what it promised", (
        Edit(MASTERY, "here is None or self._promises.left_s:\n            self._fences", "here is None:\n"
             "            self._fences"),
        Edit(MASTERY, "here is None or self._promises.left_s:\n            return None\n        guards",
             "here is None:\n            return None\n        guards")), 16, "I2"),
    Plant("an agent that is restarted forgets what was promised", (
        Edit("agent/promises.py", "if entry is not None and entry.promised_s:",
             "if entry is not None and not entry.session:"),), 93, "I2"),
    Plant("a node that was never asked takes the end of a lease for a proof", (
        Edit("plan/failsafe.py", "return session.peers is None or node in session.peers", "return bool(session.id)"),
    ), 9, "I2"),
    Plant("a node is asked from now on while the consent of the others still counts", (
        Edit(FAILSAFE, "            if self._tenure.by_consent:", "            if self._tenure is None:"),), 215, "I3"),
)

FOUND = tuple(plant for plant in PLANTS if plant.invariant)
MISSED = tuple(plant for plant in PLANTS if not plant.invariant)
"""No life has found these yet; ``seed`` says how many were played."""


def page() -> str:
    """Give the table of plants as a page of Markdown."""
    rows = [f"| {plant.name} | {plant.seed + 1} | {plant.invariant} |" for plant in FOUND]
    missed = [f"- {plant.name} ({plant.seed} lives)" for plant in MISSED]
    return "\n".join((
        "# Planted bugs", "",
        "Safety bugs that were planted on purpose, in a copy of the product, to see whether the",
        "[simulator](simulator.md) finds them, and the number of short lives that it takes, counted from seed 0. The",
        "invariants are explained there; a test keeps this table true, and `./scripts/hunt` counts anew.", "",
        "| bug | lives until it is found | what breaks |", "|---|---|---|", *rows, "",
        "Not found yet. Every write is a compare-and-swap on the records that it rests on, and the master checks",
        "each of its decisions once more; where these cover a bug, only several rare faults at once show it.", "",
        *missed, ""))


def main() -> None:
    """Hunt every plant from seed 0 and print what finds it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for plant in PLANTS:
        with tempfile.TemporaryDirectory() as directory:
            found = hunt(planted(plant, Path(directory)), 0, count)
        told = f"not found in {count} lives" if found is None else f"seed {found[0]}: {found[1]}, {found[2]}"
        sys.stdout.write(f"{plant.name}: {told}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
