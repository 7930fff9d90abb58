"""A resource's other tabs: monitoring, preferred nodes, policies, runs, events."""

from dataclasses import replace

import pytest

from browsing import signed_in
from stanchion.model.access import Role
from stanchion.model.history import Run, RunEnd, Severity
from stanchion.model.ids import NodeName, OperationId
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailbackMode, FailureAction, LoadFailure, Monitoring, ScriptKind
from stanchion.model.running import Running
from stanchion.model.state import AlertKind, Move, Phase, ResourceState, State
from stanchion.web.render import NOTHING
from stanchion.web.resource import words
from stanchion.web.resource.preferred import moved
from stanchion.wire.replies import RunInfo
from surface import NOW_S, World

AT = "/console/resources/web"
N1, N2, N3 = map(NodeName, ("node1", "node2", "node3"))


async def test_monitoring_is_enabled_as_in_the_original_and_says_what_it_will_do() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world)
    page = await browser.get(f"{AT}/monitoring")
    assert "Monitoring is off" in page.id("sentence").text
    page = await browser.send(page.form(f"{AT}/monitoring"), "Save", enabled="yes", interval="2", max_failures="3",
                              window="10", action="migrate", why="watch it",
                              **{"interval:unit": "min", "window:unit": "min"})
    assert page.notice.startswith("Saved. Every 2 minutes the monitor script runs. The 3rd failure within 10 minutes")
    assert "moves the machine to the next preferred node, node2" in page.id("sentence").text
    saved = world.view().specs["web"].value
    assert saved.monitoring == Monitoring(enabled=True, interval_s=120, max_failures=3, window_s=600,
                                          action=FailureAction.MIGRATE)
    assert saved.saved_why == "watch it"
    form = page.form(f"{AT}/monitoring")
    assert (form.value("interval"), form.value("interval:unit"), form.value("action")) == ("2", "min", "migrate")
    page = await browser.send(form, "Save", enabled=None)
    assert not world.view().specs["web"].value.monitoring.enabled


async def test_what_monitoring_would_do_is_said_without_saving() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(f"{AT}/monitoring")).form(f"{AT}/monitoring"), "What would it do",
                              enabled="yes", action="reboot", max_failures="1")
    assert "The first failure resets the whole host" in page.id("sentence").text
    assert page.form(f"{AT}/monitoring").value("action") == "reboot"
    assert not world.view().specs["web"].value.monitoring.enabled
    page = await browser.send(page.form(f"{AT}/monitoring"), "What would it do", max_failures="0")
    assert "max" in page.id("sentence").text.lower()


@pytest.mark.parametrize(("field", "text", "told"), [
    ("interval", "soon", "polling interval must be a number"), ("max_failures", "1e99", "max"),
    ("window", "-5", "time interval"),
])
async def test_monitoring_that_makes_no_sense_is_refused_and_kept(field: str, text: str, told: str) -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(f"{AT}/monitoring")).form(f"{AT}/monitoring"), "Save",
                              **{"enabled": "yes", "why": "a try", field: text})
    assert page.status == 422
    assert told.lower() in page.error.lower()
    form = page.form(f"{AT}/monitoring")
    assert (form.value(field), form.value("enabled"), form.value("why")) == (text, "yes", "a try")


async def test_failures_in_the_window_are_counted_and_failed_runs_listed() -> None:
    world = World()
    name = await world.resource("web", State.RUNNING, node="node1", monitoring=Monitoring(enabled=True))
    state = world.view().states["web"].value
    await world.put(replace(state, failures=(NOW_S - 900, NOW_S - 100, NOW_S - 50)))
    await world.ran(name, ScriptKind.MONITOR, "m@1", code=7, at_s=NOW_S - 50)
    await world.ran(name, ScriptKind.MONITOR, "m@2", code=0, at_s=NOW_S - 40)
    page = await (await signed_in(world, Role.VIEWER)).get(f"{AT}/monitoring")
    shown = page.id("live_failures")
    assert "2 of 3 failures within the last 10 min" in shown.text
    assert [row[1:4] for row in shown.rows()[1:]] == [["node1", "failed with code 7 (not running)", "virsh start x"]]
    assert "To change this needs an administrator" in page.main.text
    assert page.main.all("button") == []


async def test_preferred_nodes_are_put_in_order_by_plain_buttons_and_saved() -> None:
    world = World()
    await world.resource("web", preferred=(N1, N2))
    browser = await signed_in(world)
    path = f"{AT}/preferred"
    page = await browser.get(path)
    for button in ("add:node3", "up:node3", "remove:node1"):
        form = page.form(path)
        pressed = page.main.one("button", value=button)
        assert pressed["aria-label"]
        page = await browser.post(path, [*form.fields, ("do", button)])
        assert "This is not saved yet." in page.main.text
        assert world.view().specs["web"].value.preferred == (N1, N2)
    assert [value for name, value in page.form(path).fields if name == "preferred"] == ["node3", "node2"]
    page = await browser.send(page.form(path), "Save", why="node1 goes")
    assert page.notice == "Saved: in this order: node3, node2."
    assert world.view().specs["web"].value.preferred == (N3, N2)
    assert [row[:3] for row in page.id("live_places").rows()[1:]] == [
        ["2", "node2", "yes"], ["1", "node3", "no"], [NOTHING, "node1", "no"]]
    page = await browser.post(path, [*page.form(path).fields, ("do", "none")])
    page = await browser.send(page.form(path), "Save")
    assert page.notice == "Saved: all nodes, by their names."


async def test_two_who_order_nodes_are_told_of_each_other() -> None:
    world = World()
    await world.resource("web", preferred=(N1,))
    anna, bert = await signed_in(world, name="anna"), await signed_in(world, name="bert")
    path = f"{AT}/preferred"
    mine = await anna.get(path)
    his = await bert.get(path)
    his = await bert.post(path, [*his.form(path).fields, ("do", "add:node2")])
    await bert.send(his.form(path), "Save")
    page = await anna.post(path, [*mine.form(path).fields, ("do", "save")])
    assert page.status == 412
    assert "bert" in page.error
    assert "Somebody saved while you were editing" in page.main.text
    assert world.view().specs["web"].value.preferred == (N1, N2)


@pytest.mark.parametrize(("step", "after"), [
    ("add:d", "abcd"), ("add:a", "abc"), ("remove:b", "ac"), ("up:b", "bac"), ("up:a", "abc"), ("down:a", "bac"),
    ("down:c", "abc"), ("none", ""), ("dance:a", "abc"), ("add:", "abc"),
])
def test_a_step_changes_the_list(step: str, after: str) -> None:
    assert "".join(moved("abc", step)) == after


async def test_policies_are_set_each_with_a_line_that_says_what_it_means() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1", files=("/etc/web.conf",))
    browser = await signed_in(world)
    page = await browser.get(f"{AT}/policies")
    form = page.form(f"{AT}/policies")
    assert (form.value("failback"), form.value("files")) == ("DISABLE", "/etc/web.conf")
    labels = form.element.all("label", class_="check")
    assert labels
    assert all(each.all("span", class_="hint") for each in labels)
    page = await browser.send(form, "Save", failback="AUTO", load_failure="next_node", follows_master="yes",
                              restart_after_failed_migration=None, priority="7", moves_per_hour="2",
                              files="/etc/web.conf\r\n\r\n/etc/more\r\n", why="comes back")
    assert page.notice == "Saved. The modes count from now on."
    saved = world.view().specs["web"].value
    assert saved.policies.failback is FailbackMode.AUTO
    assert saved.policies.load_failure is LoadFailure.NEXT_NODE
    assert (saved.policies.follows_master, saved.policies.restart_after_failed_migration) == (True, False)
    assert (saved.policies.priority, saved.policies.moves_per_hour, saved.files) == (
        7, 2, ("/etc/web.conf", "/etc/more"))
    page = await browser.send(page.form(f"{AT}/policies"), "Save", priority="99999", failback="MANUAL")
    assert page.status == 422
    assert "priority" in page.error.lower()
    form = page.form(f"{AT}/policies")
    assert (form.value("priority"), form.value("failback")) == ("99999", "MANUAL")


@pytest.mark.parametrize("tab", ["scripts/load", "monitoring", "preferred", "policies", "restore", "delete",
                                 "template"])
async def test_an_operator_changes_no_configuration(tab: str) -> None:
    world = World()
    await world.resource("web")
    before = world.view().specs["web"].revision
    operator = await signed_in(world, Role.OPERATOR)
    refused = await operator.post(f"{AT}/{tab}", {"do": "save", "revision": str(before)})
    assert refused.status == 403
    assert "administrator" in refused.main.text
    assert world.view().specs["web"].revision == before


async def test_runs_are_listed_with_how_they_ended_and_grow() -> None:
    world = World()
    name = await world.resource("web", State.RUNNING, node="node1")
    await world.ran(name, ScriptKind.LOAD, "web@1", at_s=NOW_S - 100)
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(f"{AT}/runs")
    assert [row[1:] for row in page.id("run-rows").rows()] == [["load", "node1", "ended well", NOTHING, "2.0 s"]]
    async with browser.watching(f"{AT}/runs", page) as watch:
        await world.ran(name, ScriptKind.UNLOAD, "web@2", code=143)
        told = await watch.change()
    assert told["lists"]["run-rows"] == ["run-unload-web@2", "run-load-web@1"]
    assert "failed with code 143 (SIGTERM)" in told["parts"]["run-unload-web@2"]
    page = await browser.get(f"{AT}/runs?script=load")
    assert len(page.id("run-rows").rows()) == 1


async def test_a_run_is_shown_with_its_output_and_the_command_that_failed() -> None:
    world = World()
    name = await world.resource("web")
    await world.ran(name, ScriptKind.LOAD, "web@1/2", code=127, output="<script>alert(1)</script>\n")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get((await browser.get(f"{AT}/runs")).id("run-rows").one("a")["href"])
    assert "Failed with code 127 (there is no such command)." in page.main.text
    assert "virsh start x" in page.main.text
    assert page.main.one("pre", aria_label="output").text == "<script>alert(1)</script>"
    assert (await browser.get(f"{AT}/runs/load/nothing")).status == 404
    assert (await browser.get(f"{AT}/runs/dance/web@1")).status == 404


async def test_what_runs_now_is_shown_with_its_output_as_it_grows() -> None:
    world = World()
    await world.resource("web", State.LOADING, node="node1")
    world.running = Running(script=ScriptKind.LOAD, pid=7, started_at_s=NOW_S - 3, timeout_s=600, output="one\n")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(f"{AT}/runs")
    assert page.id("live_process").one("pre").text == "one"
    assert "3 s of 10 min" in page.id("live_process").text
    async with browser.watching(f"{AT}/runs", page) as watch:
        world.running = replace(world.running, output="one\ntwo\n")
        told = await watch.change()
    assert "two" in told["parts"]["live_process"]


async def test_events_of_the_resource_alone_are_shown_with_what_led_to_them() -> None:
    world = World()
    name = await world.resource("web")
    await world.resource("other")
    await world.happened(reason(Why.CREATED, "Generic_FS"), name)
    world.clock.wall_s += 1
    await world.happened(reason(Why.FOUND_STOPPED, "node1"), name, Severity.WARNING)
    await world.happened(reason(Why.LOADED), "other")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(f"{AT}/events")
    assert [row[3] for row in page.id("event-rows").rows()] == [
        "Found not running on node1.", "Created from template Generic_FS."]
    page = await browser.get(page.id("event-rows").all("a", text="Why?")[0]["href"])
    assert "Resource web: found not running on node1." in page.one("ol", class_="story").text
    assert page.main.one("a", "All, with filters")["href"] == "/console/events?resource=web"
    page = await browser.get(f"{AT}/events?severity=critical")
    assert page.id("event-rows").rows() == []
    assert "knows nothing of that event" in (await browser.get(f"{AT}/events?why=1-1")).main.text


@pytest.mark.parametrize(("end", "code", "told"), [
    (RunEnd.EXITED, 0, "ended well"), (RunEnd.EXITED, 5, "failed with code 5 (not installed)"),
    (RunEnd.EXITED, 99, "failed with code 99"), (RunEnd.KILLED, 137, "was ended by a signal (SIGKILL)"),
    (RunEnd.KILLED, 255, "was ended by a signal"), (RunEnd.REFUSED, 126, "was not run"),
    (RunEnd.OVERDUE, 124, "did not end within its timeout; it was not ended, and may still run"),
])
def test_how_a_run_ended_is_said_in_words(end: RunEnd, code: int, told: str) -> None:
    run = RunInfo(resource="web", script=ScriptKind.LOAD, operation="web@1", node="node1", started_at=None, end=end,
                  code=code)
    assert words.ended(run) == told
    assert words.tone(run) == ("good" if told == "ended well" else "warning" if end is RunEnd.OVERDUE else "bad")


async def test_every_tab_is_there_for_everybody() -> None:
    world = World()
    name = await world.resource("web", State.RUNNING, node="node1")
    await world.put(Run(resource=name, script=ScriptKind.LOAD, operation=OperationId("x@1"), node=N1,
                        started_at_s=NOW_S, ended_at_s=NOW_S, end=RunEnd.OVERDUE, code=124))
    for role in Role:
        browser = await signed_in(world, role)
        for tab in ("", "/scripts/halt", "/monitoring", "/preferred", "/policies", "/runs", "/events", "/revisions",
                    "/migrate"):
            page = await browser.get(f"{AT}{tab}")
            assert page.status == 200, (role, tab)
            assert "web Running on node1" in page.id("live_title").text


@pytest.mark.parametrize("state", State)
async def test_the_page_shows_a_resource_in_every_state(state: State) -> None:
    world = World()
    name = await world.resource("web", State.RUNNING, node="node1")
    move = Move(target=N2, live=True, phase=Phase.OUT, why=reason(Why.LOADED)) if state is State.MIGRATING else None
    alert = AlertKind.FAILBACK if state is State.ALERT else None
    await world.put(ResourceState(name=name, state=state, node=N1, session=world.view().session_of(N1), move=move,
                                  alert=alert, reason=reason(Why.LOADED), since_s=NOW_S))
    browser = await signed_in(world, Role.OPERATOR)
    for tab in ("", "/migrate", "/scripts/monitor", "/runs"):
        page = await browser.get(f"{AT}{tab}")
        assert page.status == 200, tab
        assert state in page.id("live_title").text
