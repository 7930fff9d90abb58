"""The commands for what holds for the whole cluster: settings, groups, priorities."""

from shell import Shell

from stanchion.model.groups import Bond
from stanchion.model.resource import LoadFailure, RetryComatose


def test_settings_are_shown_and_edited(shell: Shell) -> None:
    assert shell("settings", "show") == 0
    assert "Profile         default" in shell.out
    assert "Quorum timeout  1 min" in shell.out
    assert shell("settings", "edit", "--quorum-nodes", "2", "--quorum-timeout", "5m", "--profile", "fast",
                 "--history", "2000", "-o", "json") == 0
    assert (shell.json["quorum_nodes"], shell.json["quorum_timeout_s"], shell.json["profile"]) == (2, 300.0, "fast")
    assert shell("settings", "show") == 0
    assert "Still by other timers, until they leave and join again: node1, node2." in shell.out


def test_the_second_edit_from_one_revision_is_refused(shell: Shell) -> None:
    shell("settings", "show", "-o", "json")
    seen = str(shell.json["revision"])
    assert shell("settings", "edit", "--quorum-nodes", "2", "--revision", seen) == 0
    assert shell("settings", "edit", "--quorum-nodes", "3", "--revision", seen) == 5
    assert "were saved by anna" in shell.err


def test_a_group_s_life(shell: Shell) -> None:
    for name in ("web", "db", "mail"):
        shell.prepare(shell.world.resource(name))
    assert shell("group", "list") == 0
    assert shell.out == "There are no groups. `stanchion group create` makes one.\n"
    assert shell("group", "create", "pair", "together", "web", "db") == 0
    assert shell("group", "edit", "PAIR", "--add", "mail", "--remove", "DB") == 0
    assert shell("group", "list") == 0
    assert shell.out.split() == ["Group", "Kept", "Resources", "pair", "together", "web,", "mail"]
    assert shell("group", "edit", "pair", "db", "web", "--bond", "apart") == 0
    view = shell.world.view()
    assert view.settings is not None
    assert [(each.bond, each.members) for each in view.settings.value.groups] == [(Bond.APART, ("db", "web"))]
    assert shell("group", "delete", "pair") == 0
    assert shell.out == "pair: deleted\n"


def test_a_warning_goes_to_standard_error(shell: Shell) -> None:
    for name in ("web", "db"):
        shell.prepare(shell.world.resource(name, "Running", node="node1"))
    assert shell("group", "create", "ha", "apart", "web", "db") == 0
    assert "stanchion: warning: web and db are on node1 now" in shell.err


def test_priorities_are_listed_and_set(shell: Shell) -> None:
    assert shell("priority", "list") == 0
    assert "There are no resources." in shell.out
    for name in ("web", "db"):
        shell.prepare(shell.world.resource(name))
    assert shell("priority", "set", "web") == 0
    assert shell.out.split() == ["Resource", "Priority", "web", "1", "db", "0"]
    assert shell("priority", "set", "--reset") == 0
    assert shell.out.split() == ["Resource", "Priority", "db", "0", "web", "0"]


def test_policies_about_failed_loads_are_options(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    assert shell("resource", "edit", "web", "--load-failure", "next-node", "--retry-comatose", "backoff",
                 "--interval", "90s", "--window", "5m") == 0
    spec = shell.world.view().specs["web"].value
    assert (spec.policies.load_failure, spec.policies.retry_comatose) == (LoadFailure.NEXT_NODE, RetryComatose.BACKOFF)
    assert (spec.monitoring.interval_s, spec.monitoring.window_s) == (90.0, 300.0)
    assert shell("resource", "show", "web") == 0
    assert "a failed load goes to the next node" in " ".join(shell.out.split())
