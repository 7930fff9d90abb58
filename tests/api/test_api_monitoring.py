"""Monitoring in words over the API: what is saved, and what a form holds that is being filled in."""

import pytest

from stanchion.model.errors import InvalidInput, NotFound
from stanchion.model.resource import FailureAction, Monitoring
from stanchion.model.state import State
from stanchion.wire.monitoring import MonitoringDraft
from stanchion.wire.requests import MonitoringChange
from surface import World

WATCHED = Monitoring(enabled=True, interval_s=30, max_failures=3, window_s=600, action=FailureAction.MIGRATE)


async def test_a_resource_tells_what_its_monitoring_does() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1", monitoring=WATCHED)
    async with world.client() as client:
        told = (await client.resource("web")).monitoring_text

    assert told.startswith("Every 30 s the monitor script runs. The 3rd failure within 10 minutes moves the machine to "
                           "the next preferred node, node2.")


async def test_a_draft_is_told_on_top_of_the_resource_and_nothing_is_saved() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1", monitoring=WATCHED)
    before = world.engine.revision
    async with world.client() as client:
        draft = MonitoringDraft(resource="WEB", monitoring=MonitoringChange(max_failures=1))
        changed = await client.describe_monitoring(draft)
        off = await client.describe_monitoring(MonitoringDraft(
            resource="web", monitoring=MonitoringChange(enabled=False)))
        alone = await client.describe_monitoring(MonitoringDraft(resource="web", preferred=("node1",)))
        silent = await client.describe_monitoring(MonitoringDraft(resource="web", script=False))

    assert "The first failure moves the machine to the next preferred node, node2." in changed.text
    assert off.text.startswith("Monitoring is off")
    assert "now there is none that could take it" in alone.text
    assert "there is no monitor script" in silent.text
    assert world.engine.revision == before


async def test_a_draft_may_be_about_a_template_or_about_nothing_yet() -> None:
    async with World().client() as client:
        change = MonitoringChange(enabled=True)
        of_template = await client.describe_monitoring(MonitoringDraft(template="generic_fs", monitoring=change))
        bare = await client.describe_monitoring(MonitoringDraft(monitoring=change, timeout_s=30))

    assert of_template.text.startswith("Every ")
    assert "A run that takes longer than 30 s does so at once." in bare.text


async def test_what_cannot_be_saved_is_told_as_faults_without_a_text() -> None:
    async with World().client() as client:
        told = await client.describe_monitoring(MonitoringDraft(
            monitoring=MonitoringChange(enabled=True, max_failures=0, interval_s=0)))

    assert told.text == ""
    assert len(told.faults) == 2
    assert "the maximum of local failures is 0" in told.faults[1]


async def test_unknown_names_are_refused() -> None:
    async with World().client() as client:
        for draft in (MonitoringDraft(resource="nope"), MonitoringDraft(template="nope"),
                      MonitoringDraft(preferred=("nope",))):
            with pytest.raises(NotFound):
                await client.describe_monitoring(draft)
        with pytest.raises(InvalidInput, match="not both"):
            await client.describe_monitoring(MonitoringDraft(resource="web", template="Generic_FS"))
