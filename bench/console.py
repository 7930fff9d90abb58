"""How fast the console is, in a real Chromium: 1,000 resources on 16 nodes behind the real API and the real pages.

The cluster is a store in memory whose records are written as agents write them; everything above the store is what
runs in an agent: the follower of its changes, the API, the console, over a real socket. Measured are the first page,
the time from the write of a change until the browser has drawn it, what memory does over thousands of events, and
whether a connection that was lost and came back leaves a gap.
"""

import argparse
import asyncio
import hashlib
import os
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import rig
from playwright.async_api import Browser, Page, async_playwright

from stanchion.agent.follow import follow
from stanchion.api import app as api
from stanchion.api import server
from stanchion.api.access.identity import COOKIE
from stanchion.api.services import Services
from stanchion.drivers.clock import HostChance, HostClock
from stanchion.drivers.fence import FenceAgents
from stanchion.drivers.lint import ScriptLint
from stanchion.drivers.templates import shipped
from stanchion.model.access import Role, SignIn, User
from stanchion.model.cluster import ClusterView, Live, Master, Membership, Node, Record, SelfFence, Session, Settings
from stanchion.model.history import Entry
from stanchion.model.ids import BootId, Epoch, LeaseId, NodeName, ResourceName, SessionId, TemplateName
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ResourceSpec, Script, Scripts
from stanchion.model.state import ResourceState, State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.model.transaction import Committed, Put, Transaction
from stanchion.sim.store import MemoryEngine, MemoryStore
from stanchion.web import app as web

CHROMIUM = "/usr/bin/chromium"
COOKIE_VALUE = secrets.token_urlsafe(32)
WATCH = """id => new Promise(told => {
  const list = document.getElementById('resource-rows');
  const seen = () => {
    const badge = document.getElementById(id)?.querySelector('.badge');
    if (badge && badge.textContent !== window.before) {
      observer.disconnect();
      requestAnimationFrame(() => told(performance.timeOrigin + performance.now()));
    }
  };
  window.before = document.getElementById(id).querySelector('.badge').textContent;
  const observer = new MutationObserver(seen);
  observer.observe(list, { childList: true, subtree: true, characterData: true });
  window.watching = true;
})"""
STATES = """() => Object.fromEntries([...document.querySelectorAll('#resource-rows tr')].map(
  row => [row.id, row.querySelector('.badge').textContent]))"""


class Cluster:
    """The cluster in memory, and the agent's side of the API over it."""

    def __init__(self, nodes: int, resources: int) -> None:
        self.store = MemoryStore(MemoryEngine())
        self.names = [NodeName(f"node{number:02d}") for number in range(1, nodes + 1)]
        self.resources = [ResourceName(f"vm{number:04d}") for number in range(1, resources + 1)]
        self._view, self._news = ClusterView(), asyncio.Event()
        self.states: dict[ResourceName, ResourceState] = {}

    def records(self) -> list[Record]:
        """Give everything that the cluster begins with."""
        now, template = time.time(), TemplateName("Generic_FS")
        sessions = {name: SessionId(f"{name}-session") for name in self.names}
        scripts = Scripts(load=Script(text="exit 0\n"), unload=Script(text="exit 0\n"))
        for number, name in enumerate(self.resources):
            node = self.names[number % len(self.names)]
            self.states[name] = ResourceState(name=name, state=State.RUNNING, node=node, reason=reason(Why.LOADED),
                                              lives=1, since_s=now, session=sessions[node])
        return [
            Settings(cluster="measured"), *shipped(), *(Node(name=name) for name in self.names),
            *(Session(node=name, id=session, boot=BootId("boot"), lease=LeaseId("lease"), opened_at_s=now,
                      self_fence=SelfFence.WATCHDOG, timing=TIMINGS[Profile.DEFAULT], url="", version="1")
              for name, session in sessions.items()),
            *(Live(node=name, session=session) for name, session in sessions.items()),
            Master(node=self.names[0], session=sessions[self.names[0]]),
            Membership(epoch=Epoch(1), members=sessions, master=self.names[0], formed_at_s=now, quorum=True),
            *(ResourceSpec(name=name, template=template, scripts=scripts) for name in self.resources),
            *self.states.values(),
        ]

    async def begin(self) -> None:
        """Write everything, and a session of somebody who may do everything."""
        records = self.records()
        for start in range(0, len(records), 500):
            await self.store.commit(Transaction(puts=tuple(map(Put, records[start:start + 500]))))
        made = await self.store.commit(Transaction(puts=(Put(User(name="anna", role=Role.ADMINISTRATOR)),)))
        assert isinstance(made, Committed)
        now, known = time.time(), hashlib.sha256(COOKIE_VALUE.encode()).hexdigest()
        session = SignIn(id=known, user="anna", made_at_s=now, seen_at_s=now, expires_at_s=now + 36_000,
                         vouched=made.revision)
        await self.store.commit(Transaction(puts=(Put(session),)))

    async def change(self, name: ResourceName) -> float:
        """Change a resource's state, with its line of history, as its agent would; give the instant (wall, ms)."""
        old = self.states[name]
        state = State.LOADING if old.state is State.RUNNING else State.RUNNING
        self.states[name] = replace(old, state=state, lives=old.lives + 1, since_s=time.time())
        at_ms = time.time() * 1000
        entry = Entry(at_s=time.time(), reason=reason(Why.LOADED), resource=name, node=old.node, before=old.state,
                      after=state)
        done = await self.store.commit(Transaction(puts=(Put(self.states[name]),), history=(entry,)))
        assert isinstance(done, Committed)
        return at_ms

    def seen(self, view: ClusterView) -> None:
        """Take the follower's next view."""
        self._view = view
        self._news.set()
        self._news = asyncio.Event()

    async def _changed(self) -> None:
        await self._news.wait()

    def services(self) -> Services:
        """Give what the API needs of its agent."""
        async def nothing(_: ResourceName) -> bool:
            return False

        return Services(node=self.names[0], store=self.store, view=lambda: self._view,
                        changed=self._changed, clock=HostClock(), chance=HostChance(), lint=ScriptLint(),
                        fencer=FenceAgents(), process_of=lambda _: None, end_process=nothing,
                        token=secrets.token_hex(), version="1")

    @asynccontextmanager
    async def served(self, port: int) -> AsyncIterator[int]:
        """Answer on a port of this computer."""
        here, ready = self.services(), asyncio.get_running_loop().create_future()
        made = api.create(here)
        web.install(made)
        serving = asyncio.create_task(server.serve(made, "127.0.0.1", port, ready=ready.set_result))
        try:
            yield await ready
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


async def first_page(browser: Browser, base: str, count: int, times: int) -> list[float]:
    """Open the list anew several times; give the seconds until all rows are there and the page has loaded."""
    taken = []
    for _ in range(times):
        page = await opened(browser, base)
        began = time.monotonic()
        await page.goto(f"{base}/console/resources", wait_until="load")
        assert await page.locator("#resource-rows tr").count() == count
        taken.append(time.monotonic() - began)
        await page.context.close()
    return taken


async def changes(cluster: Cluster, page: Page, times: int) -> list[float]:
    """Change one resource after another; give the milliseconds from the write until it was drawn."""
    taken = []
    for number in range(times):
        name = cluster.resources[(number * 37) % len(cluster.resources)]
        watching = asyncio.create_task(page.evaluate(WATCH, f"resource-{name}"))
        await page.wait_for_function("() => window.watching")
        await asyncio.sleep(0.02 + (number % 7) / 50)
        at_ms = await cluster.change(name)
        taken.append(await asyncio.wait_for(watching, 10) - at_ms)
        await page.evaluate("() => { window.watching = false; }")
    return taken


async def memory(cluster: Cluster, page: Page, events: int) -> list[tuple[int, float, float]]:
    """Write events as fast as they are shown; give after each quarter: events, MiB of the agent, MiB of the page."""
    speaker = await page.context.new_cdp_session(page)
    told = []
    for number in range(events + 1):
        if number % (events // 4) == 0:
            await asyncio.sleep(1.5)
            await speaker.send("HeapProfiler.collectGarbage")
            heap = await page.evaluate("() => performance.memory.usedJSHeapSize")
            told.append((number, resident_mib(), heap / 2**20))
        await cluster.change(cluster.resources[number % len(cluster.resources)])
        await asyncio.sleep(0.004)
    return told


async def away_and_back(cluster: Cluster, page: Page, port: int, running: AsyncExitStack) -> int:
    """Cut the agent off, change much meanwhile, and let it come back; give the number of rows that are wrong then."""
    await running.aclose()
    await page.wait_for_selector("#lost:not([hidden])", timeout=15_000)
    for name in cluster.resources[::3]:
        await cluster.change(name)
    async with cluster.served(port):
        await page.wait_for_selector("#lost", state="hidden", timeout=30_000)
        for _ in range(100):
            shown = await page.evaluate(STATES)
            wrong = sum(shown.get(f"resource-{name}") != state.state for name, state in cluster.states.items())
            if not wrong:
                break
            await asyncio.sleep(0.1)
    return wrong


async def opened(browser: Browser, base: str) -> Page:
    """Open an empty page of somebody who is signed in."""
    context = await browser.new_context()
    await context.add_cookies([{"name": COOKIE, "value": COOKIE_VALUE, "url": base.replace("http:", "https:"),
                                "secure": True, "httpOnly": True, "sameSite": "Strict"}])
    return await context.new_page()


def resident_mib() -> float:
    """Give the memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def spread(values: Sequence[float], unit: str) -> str:
    """Tell the smallest, the middle and the largest."""
    return (f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f} {unit} "
            f"(min / median / max of {len(values)})")


async def measure(asked: argparse.Namespace) -> None:
    """Measure everything once, and tell."""
    cluster = Cluster(asked.nodes, asked.resources)
    await cluster.begin()
    following = asyncio.create_task(follow(cluster.store, cluster.seen))
    print(f"{rig.machine()}; load {rig.load():.1f}; {asked.resources} resources on {asked.nodes} nodes", flush=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--enable-precise-memory-info"])
        running = AsyncExitStack()
        port = await running.enter_async_context(cluster.served(0))
        base = f"http://127.0.0.1:{port}"
        print("first page:", spread(await first_page(browser, base, asked.resources, 10), "s"), flush=True)
        page = await opened(browser, base)
        await page.goto(f"{base}/console/resources")
        print("a change:", spread(await changes(cluster, page, asked.changes), "ms"), flush=True)
        for events, agent, heap in await memory(cluster, page, asked.events):
            print(f"after {events:6d} events: agent {agent:.1f} MiB, page {heap:.1f} MiB", flush=True)
        wrong = await away_and_back(cluster, page, port, running)
        print(f"connection lost and back: told, {wrong} of {asked.resources} rows wrong afterwards", flush=True)
        await browser.close()
    following.cancel()


def main() -> None:
    """Read the command line."""
    words = argparse.ArgumentParser(prog="bench/console", description=__doc__.partition("\n")[0])
    words.add_argument("--nodes", type=int, default=16)
    words.add_argument("--resources", type=int, default=1000)
    words.add_argument("--changes", type=int, default=100)
    words.add_argument("--events", type=int, default=10_000)
    asked = words.parse_args()
    sys.exit(rig.run(lambda: asyncio.run(measure(asked))))


if __name__ == "__main__":
    main()
