"""``stanchion user``, ``api-token`` and ``audit``, as an administrator types them."""

import pytest
from visitors import PASSWORD, person, sign_in

from cli.shell import Shell
from stanchion.model.access import Role
from stanchion.model.errors import NotAllowed

ALL = "0123456789abcdef"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("COLUMNS", "120")
    return Shell()


def test_the_first_administrator_is_invited_on_the_host(shell: Shell) -> None:
    assert shell("user", "list") == 0
    assert shell.out == "no users; `stanchion user invite NAME --role administrator` makes the first one\n"
    assert shell("user", "invite", "anna", "--role", "administrator") == 0
    assert shell.out.startswith("http://node1:7423/console/first/")
    assert shell.out.count("\n") == 1
    assert "sets the password of anna, administrator" in " ".join(shell.err.split())
    assert shell("user", "list") == 0
    assert shell.out.startswith("anna is invited as administrator, until ")
    assert shell("user", "invite", "a/b") == 2
    assert "cannot be a user's name" in shell.err


def test_users_are_changed_and_the_last_administrator_stays(shell: Shell) -> None:
    shell.prepare(person(shell.world))
    shell.prepare(person(shell.world, "bob", Role.OPERATOR))
    assert shell("user", "role", "BOB", "viewer") == 0
    assert shell.out == "bob: viewer\n"
    assert shell("user", "lock", "bob") == 0
    assert shell.out == "bob: viewer, locked\n"
    with pytest.raises(NotAllowed, match="locked"):
        shell.prepare(sign_in(shell.world, "bob"))
    assert shell("user", "unlock", "bob") == 0
    assert shell("user", "list") == 0
    assert [line.split()[:4] for line in shell.out.splitlines()[1:]] == [
        ["anna", "administrator", "local", "1"], ["bob", "viewer", "local", "0"]]
    assert shell("user", "delete", "anna") == 5
    assert "anna is the last administrator" in shell.err
    assert shell("user", "delete", "bob") == 0
    assert shell("user", "lock", "bob") == 4
    assert "there is no user bob" in shell.err


def test_sessions_are_listed_and_ended(shell: Shell) -> None:
    assert shell("user", "sessions") == 0
    assert shell.out == "nobody is signed in\n"
    for name in ("anna", "bob"):
        shell.prepare(person(shell.world, name))
    shell.prepare(sign_in(shell.world, "bob", PASSWORD))
    assert shell("user", "sessions") == 0
    lines = shell.out.splitlines()[1:]
    assert len(lines) == 3
    anna = next(line.split()[0] for line in lines if " anna " in line)
    assert set(anna) <= set(ALL)
    assert shell("user", "sign-out", "--session", anna) == 0
    assert shell("user", "sign-out", "Bob") == 0
    assert shell("user", "sessions") == 0
    assert shell.out == "nobody is signed in\n"
    assert shell("user", "sign-out") == 2
    assert shell("user", "sign-out", "--session", anna) == 4


def test_an_api_token_is_shown_once_and_revoked(shell: Shell) -> None:
    assert shell("api-token", "list") == 0
    assert shell.out == "no API tokens\n"
    shell.prepare(shell.world.resource("web"))
    assert shell("api-token", "create", "nightly", "--role", "operator", "--resource", "WEB", "--valid", "24h") == 0
    key = shell.out.strip()
    assert key.startswith("stanchion_")
    assert shell("api-token", "list") == 0
    assert key not in shell.out
    assert shell.out.splitlines()[1].split()[:3] == ["nightly", "operator", "web"]
    assert shell("api-token", "create", "nightly") == 5
    assert shell("api-token", "revoke", "nightly") == 0
    assert shell("api-token", "revoke", "nightly") == 4


def test_the_audit_tells_who_did_what(shell: Shell) -> None:
    assert shell("pause", "--why", "new switch") == 0
    assert shell("audit") == 0
    assert "asked PUT /v1/pause: 200" in " ".join(shell.out.split())
    assert "new switch" in shell.out
    assert shell("audit", "--by", "nobody") == 0
    assert shell.out == "nothing was done\n"
    assert shell("audit", "--since", "soon") == 2
