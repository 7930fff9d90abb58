"""``stanchion order``: many resources at once; what is wrong with one is said, and the exit code says that it was."""

from shell import Shell

from stanchion.model.orders import Outcome
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State


def test_many_are_ordered_at_once(shell: Shell) -> None:
    for name in ("web", "db"):
        shell.prepare(shell.world.resource(name, State.RUNNING, node="node1"))
    shell.world.end_orders(Outcome.DONE, reason(Why.UNLOADED))

    assert shell("order", "offline", "web", "db") == 0

    assert "web: the unload script ended well" in shell.out
    assert "2 of 2 orders carried out." in shell.out


def test_what_is_wrong_with_one_does_not_stop_the_others(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))

    assert shell("order", "migrate", "web", "nope", "--to", "node2", "--no-wait") == 1

    assert "1 of 2 orders taken." in shell.out
    assert "nope: there is no resource nope" in shell.err
    assert "1 of 2 orders went wrong" in shell.err


def test_nobody_named_is_a_mistake(shell: Shell) -> None:
    assert shell("order", "online") == 2
    assert "no resource was named" in shell.err
