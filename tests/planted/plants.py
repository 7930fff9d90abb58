"""Planted safety bugs: what a tired programmer might write, as substitutions of text in a copy of the product.

Nothing of this is in the product. ``hunting`` plants one in a scratch copy and looks for a life that finds it; the
life, made smaller, is kept in ``lives``. Where several guards cover each other, a plant takes all of them away: it asks
what happens without this protection, not without this line.
"""

from planted.hunting import Edit, Plant

TENURE, OPENING, DUTY, RECOVERY = "agent/tenure.py", "agent/opening.py", "plan/duty.py", "plan/recovery.py"
MASTERY, MEMBERSHIP, FENCES = "agent/mastery.py", "plan/membership.py", "agent/fencing.py"
EXECUTOR, NODE, FENCING = "agent/executor.py", "plan/node.py", "plan/fencing.py"
FAILSAFE = "agent/failsafe.py"

PLANTS = (
    Plant("the deadline counts from the reply, not from before the send", (
        Edit(TENURE, "                self._renewed_at = sent\n                self._doors.watchdog.feed(sent +",
             "                self._renewed_at = sent = clock.now().mono_s\n"
             "                self._doors.watchdog.feed(sent +"),)),
    Plant("the watchdog fires after the lease has ended", (
        Edit(OPENING, "self._doors.watchdog.arm(now.mono_s + timing.fence_s)",
             "self._doors.watchdog.arm(now.mono_s + timing.lease_s + 3)"),
        Edit(TENURE, "                self._doors.watchdog.feed(sent + timing.fence_s)",
             "                self._doors.watchdog.feed(sent + timing.lease_s + 3)"))),
    Plant("the master's decisions are guarded neither by its key nor by its session", (
        Edit(MASTERY, "guards=(*wanted.guards, *guards)", "guards=wanted.guards"),)),
    Plant("a node's reports are not guarded by its session", (
        Edit(NODE, "guards: tuple[Guard, ...] = (Guard(Key(Kind.LIVE, state.me), live.revision),)",
             "guards: tuple[Guard, ...] = (() if live else ())"),)),
    Plant("deadlines are measured on the wall clock", (
        Edit(TENURE, "        self._renewed_at = 0.0\n",
             "        self._renewed_at = 0.0\n        began = doors.clock.now()\n"
             "        self._zero = began.wall_s - began.mono_s\n"),
        Edit(TENURE, "self._doors.clock.now().mono_s < self._renewed_at",
             "self._doors.clock.now().wall_s - self._zero < self._renewed_at"),
        Edit(TENURE, "left_s = self._renewed_at + timing.halt_s - clock.now().mono_s",
             "left_s = self._renewed_at + timing.halt_s - clock.now().wall_s + self._zero"),
        Edit(TENURE, "            sent = clock.now().mono_s\n", "            sent = clock.now().wall_s - self._zero\n"),
        Edit(TENURE, "await self._sleep(sent + pause_s - clock.now().mono_s)",
             "await self._sleep(sent + pause_s - clock.now().wall_s + self._zero)"))),
    Plant("an operation is claimed again after a restart: its script runs a second time", (
        Edit(EXECUTOR, "return ScriptOrder(resource=spec.name, script=kind, operation=OperationId(stage),",
             "return ScriptOrder(resource=spec.name, script=kind, "
             "operation=OperationId(stage + self._doors.chance.token()),"),)),
    Plant("a load does not look whether the machine runs there already", (
        Edit(DUTY, "        if found.presence is Presence.RUNNING:\n            return _loaded(case, born=False)\n"
                   "        if adopts:", "        if adopts:"),)),
    Plant("the brake counts each suspect by itself", (
        Edit(FENCING, "return 2 * len(suspects) >= len(members | suspects)",
             "return any(2 >= len(members | {suspect}) for suspect in suspects)"),)),
    Plant("the compare-and-swap on a resource's record is left out", (
        Edit("plan/change.py", "guards=(guard, *guards)", "guards=tuple(guards)"),)),
    Plant("suspicion is taken for a proof", (
        Edit(FENCES, "power, told = await self._doors.fencer.off(device)", 'power, told = Power.OFF, "it is silent"'),
    )),
    Plant("a fence command that ended well is taken for the power state", (
        Edit(FENCES, "if power is Power.OFF:", "if power is not Power.UNKNOWN:"),)),
    Plant("the watch goes on after a gap with what is past", (
        Edit("agent/follow.py", "        if isinstance(news, Resync):\n            return\n",
             "        if isinstance(news, Resync):\n            later = (await store.snapshot()).revision\n"
             "            async for more in store.watch(later):\n                if isinstance(more, Resync):\n"
             "                    return\n                view = view.apply(more.changes, more.revision)\n"
             "                seen(view)\n            return\n"),)),
    Plant("an unload is believed without looking", (
        Edit(DUTY, "    if found is None and lookable(case.spec.value):\n        return Look(step=Step.LOOK_AFTER, "
                   "stage=case.stage, spec=case.spec.value, after_unload=run.code == 0)\n", ""),)),
    Plant("a halt is believed without looking", (
        Edit("agent/halting.py", "presence, text = await self._doors.hypervisor.look(spec)\n        if presence",
             'presence, text = Presence.ABSENT, "halted"\n        if presence'),)),
    Plant("the halt forgets what is on its way here", (
        Edit(NODE, "if duty.busy is not None else None\n        if spec is not None", "if name in specs else None\n"
             "        if spec is not None"),),
          missed="nothing begins here before the record names this node, and what it names is halted anyway; not in "
                 "1370 lives"),
    Plant("a node that stops gives its session back although it holds machines", (
        Edit("plan/sessions.py", "if held_here(view, mine.node) or live is None", "if live is None"),)),
    Plant("the source of a migration is lost and taken for clean", (
        Edit(RECOVERY, "    if source is Fate.PROVEN and (move.phase is Phase.PREPARE or target is Fate.PROVEN):",
             "    if source is not Fate.LIVE and (move.phase is Phase.PREPARE or target is Fate.PROVEN):"),)),
    Plant("the target of a migration is lost and taken for never started", (
        Edit(RECOVERY, "    if target is Fate.PROVEN and arriving and source is not Fate.PROVEN:",
             "    if target is not Fate.LIVE and arriving and source is not Fate.PROVEN:"),)),
    Plant("an agent that is restarted starts its machines anew instead of adopting them", (
        Edit(OPENING, "known and last.value.id not in view.proofs and", "known and last.value.id in view.proofs and"),
        Edit(DUTY, "    if adopts:\n        return e.Claimed(session=case.session, why=case.state.reason)\n",
             "    if adopts:\n        return e.Sent(target=case.me, why=case.state.reason,\n"
             "                      operation=next_operation(case.state.name, case.held.revision))\n"))),
    Plant("an expired lease proves without an armed self-fence", (
        Edit(MEMBERSHIP, " and session.self_fence is not SelfFence.NONE:", ":"),)),
    Plant("a lost watchdog is not told to the cluster", (
        Edit(OPENING, "            if not await undeclare(self._doors, session):\n                return None\n", ""),
        Edit(TENURE, "if session.self_fence is not SelfFence.NONE and not self._doors.watchdog.armed and (",
             "if not session.id and ("))),
    Plant("a node that is away counts as proven, and the last check is left out", (
        Edit(MEMBERSHIP, "Fate.RETURNED if present is not None else Fate.DOUBTFUL",
             "Fate.RETURNED if present is not None else Fate.PROVEN"),
        Edit(MASTERY, "                check(seen, decision)\n", "                assert check\n"))),
    Plant("the brake counts too late", (
        Edit(FENCING, "return 2 * len(suspects) >= len(members | suspects)",
             "return len(suspects) > len(members | suspects)"),)),
    Plant("exclusion is asked of the present place alone, not of where a move goes", (
        Edit("plan/placement.py", "node in (*holders(held.value), held.value.move and held.value.move.target)",
             "node in holders(held.value)"),)),
    Plant("machines are not halted when the node is cut off", (
        Edit(EXECUTOR, "                self._start(self._halt(action), lasting=True)\n", ""),
        Edit(TENURE, "                while not self._safe():\n                    await self._changed()\n",
             "                await self._changed()\n"))),
    Plant("the consent of all but one is enough", (
        Edit(FAILSAFE, "not all(other.id in self._granted for other in needed)",
             "len([other for other in needed if other.id in self._granted]) < len(needed) - 1"),
        Edit(FAILSAFE, "return all(self._answered", "return len(needed) < 1 or any(self._answered"),
        Edit(FAILSAFE, "min((self._granted[other.id] for other in needed), default",
             "min((self._granted[other.id] for other in needed if other.id in self._granted), default"))),
    Plant("who regains the store forgets what it promised", (
        Edit(MASTERY, "here is None or self._promises.left_s:\n            self._fences", "here is None:\n"
             "            self._fences"),
        Edit(MASTERY, "here is None or self._promises.left_s:\n            return None\n        guards",
             "here is None:\n            return None\n        guards"))),
    Plant("an agent that is restarted forgets what was promised", (
        Edit("agent/promises.py", "if entry is not None and entry.promised_s:",
             "if entry is not None and not entry.session:"),)),
    Plant("a node that was never asked takes the end of a lease for a proof", (
        Edit("plan/failsafe.py", "return session.peers is None or node in session.peers", "return bool(session.id)"),
    )),
    Plant("a node is asked from now on while the consent of the others still counts", (
        Edit(FAILSAFE, "            if self._tenure.by_consent:", "            if self._tenure is None:"),)),
)
