"""People whom others vouch for: the host's PAM, and an identity provider over real HTTP."""

import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import identity_provider
import pytest
from identity_provider import SECRET, Provider, browse
from joserfc.jwk import OctKey, RSAKey
from visitors import PASSWORD, browser, here, person, sign_in

from stanchion.api.access import provider as away
from stanchion.api.services import Outside
from stanchion.drivers.oidc import OidcProvider
from stanchion.drivers.pam import AT_ONCE, WAITING, HostPam
from stanchion.model.access import Origin, Role
from stanchion.model.errors import HostError, NotAllowed, NotNow, TooSoon
from stanchion.ports import Vouched
from stanchion.wire.access import InviteOrder, UserChange
from surface import World

GROUPS = {Role.ADMINISTRATOR: ("cluster-admins",), Role.OPERATOR: ("ops", "night"), Role.VIEWER: ("staff",)}
BACK = "https://node1:7423/console/sign-in/back"


class Book:
    """A directory that a test writes."""

    def __init__(self) -> None:
        self.people = {"anna": (PASSWORD, ("staff", "cluster-admins")), "otto": (PASSWORD, ("night",)),
                       "eve": (PASSWORD, ("guests",)), "root": (PASSWORD, ("cluster-admins",))}
        self.asked: list[str] = []

    async def check(self, name: str, password: str) -> Vouched | None:
        """Look it up."""
        self.asked.append(name)
        known = self.people.get(name)
        return Vouched(name=name, groups=known[1]) if known and known[0] == password else None


def with_directory() -> tuple[World, Book]:
    book = Book()
    return World(outside=Outside(directory=book, groups=GROUPS)), book


async def test_who_is_known_to_pam_comes_in_with_the_role_of_his_groups() -> None:
    world, _ = with_directory()
    async with browser(world, await sign_in(world, "Anna")) as http:
        me = (await http.get("/v1/me")).json()
    assert (me["name"], me["role"]) == ("anna", "administrator")
    user = world.view().users["anna"].value
    assert (user.origin, user.password, user.by) == (Origin.PAM, "", "pam")
    await sign_in(world, "otto")
    assert world.view().users["otto"].value.role is Role.OPERATOR


@pytest.mark.parametrize(("name", "password", "says"), [
    ("anna", "another", "the name or the password is wrong"),
    ("nobody", PASSWORD, "the name or the password is wrong"),
    ("an/na", PASSWORD, "the name or the password is wrong"),
    ("eve", PASSWORD, "eve is in no group that has a role here"),
])
async def test_who_is_not_known_to_pam_or_has_no_role_stays_out(name: str, password: str, says: str) -> None:
    world, book = with_directory()
    with pytest.raises(NotAllowed, match=says):
        await sign_in(world, name, password)
    assert not world.view().users
    assert "an/na" not in book.asked


async def test_a_changed_group_is_another_role_at_the_next_sign_in_and_no_group_is_none() -> None:
    world, book = with_directory()
    first = await sign_in(world, "anna")
    book.people["anna"] = (PASSWORD, ("ops",))
    await sign_in(world, "anna")
    assert world.view().users["anna"].value.role is Role.OPERATOR
    async with browser(world, first) as http:
        assert (await http.get("/v1/me")).status_code == 401, "the session of the administrator is over"
    book.people["anna"] = (PASSWORD, ())
    with pytest.raises(NotAllowed, match="in no group"):
        await sign_in(world, "anna")


async def test_a_local_user_is_never_opened_by_pam_nor_the_other_way_round() -> None:
    world, book = with_directory()
    await person(world, "root", password="a local password")
    with pytest.raises(NotAllowed, match="wrong"):
        await sign_in(world, "root", PASSWORD)
    assert book.asked == []
    await sign_in(world, "anna")
    async with world.client() as client:
        with pytest.raises(NotNow, match="signs in by pam"):
            await client.invite(InviteOrder(name="anna"))
        with pytest.raises(NotNow, match="the groups there say the role"):
            await client.change_user("anna", UserChange(role=Role.VIEWER))
        await client.change_user("anna", UserChange(locked=True))
    with pytest.raises(NotAllowed, match="locked"):
        await sign_in(world, "anna")


@pytest.mark.skipif(importlib.util.find_spec("pam") is None, reason="python-pam is not installed")
async def test_the_host_s_own_pam_refuses_a_wrong_password() -> None:
    assert await HostPam("login").check("root", "surely not this one") is None
    assert await HostPam("login").check("nobody-of-this-name", "x") is None


@pytest.mark.parametrize(("program", "says"), [
    ("raise SystemExit('no pam here')", r"PAM cannot be asked \(no pam here\)"),
    ("import os; os.kill(os.getpid(), 11)", r"PAM cannot be asked \(exit code -11\)"),
    ("print('gibberish')", "PAM cannot be asked"),
])
async def test_a_pam_module_that_crashes_costs_one_sign_in(program: str, says: str) -> None:
    with pytest.raises(HostError, match=says):
        await HostPam("x", command=(sys.executable, "-c", program)).check("anna", PASSWORD)


async def test_a_pam_module_that_hangs_is_ended(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    program = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(HostError, match="did not answer"):
        await HostPam("x", command=(sys.executable, "-c", program), patience_s=1.0).check("anna", PASSWORD)
    assert not told.exists() or not Path(f"/proc/{told.read_text()}").exists()


async def test_the_password_reaches_the_child_over_a_pipe_and_the_groups_come_back() -> None:
    program = ("import json, sys; given = json.load(sys.stdin); "
               "print(json.dumps([given['service'], given['name'], given['password'], *sys.argv[1:]]))")
    vouched = await HostPam("stanchion", command=(sys.executable, "-c", program)).check("anna", "pa ss\n\0'\"")
    assert vouched == Vouched(name="anna", groups=("stanchion", "anna", "pa ss\n\0'\""))


async def test_so_many_ask_pam_at_once_and_no_more_wait() -> None:
    pam = HostPam("x", command=(sys.executable, "-c", "print('null')"))
    pam._waiting = AT_ONCE + WAITING
    with pytest.raises(TooSoon):
        await pam.check("anna", PASSWORD)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with identity_provider.running() as made:
        yield made


@pytest.fixture
async def world(provider: Provider, tmp_path: Path) -> World:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    return World(outside=Outside(groups=GROUPS, provider=OidcProvider(provider.issuer, "stanchion",
                                                                      secret_file=secret)))


async def come_in(world: World) -> str:
    """Sign in at the provider."""
    door, mine = await away.begin(here(world), BACK)
    return await away.finish(here(world), await browse(door), mine, "10.0.0.9", "Firefox")


async def test_who_is_known_to_the_provider_comes_in(world: World) -> None:
    async with browser(world, await come_in(world)) as http:
        me = (await http.get("/v1/me")).json()
    assert (me["name"], me["role"], me["how"]) == ("anna", "administrator", "session")
    assert world.view().users["anna"].value.origin is Origin.OIDC
    assert not here(world).vigil.away


async def test_the_provider_says_the_role_and_may_refuse(world: World, provider: Provider) -> None:
    provider.person["groups"] = "night"
    await come_in(world)
    assert world.view().users["anna"].value.role is Role.OPERATOR
    provider.person["groups"] = ["guests"]
    with pytest.raises(NotAllowed, match="in no group"):
        await come_in(world)
    provider.refuses = "you have left"
    with pytest.raises(NotAllowed, match="you have left"):
        await come_in(world)


async def test_a_local_user_of_the_same_name_is_not_opened_by_the_provider(world: World) -> None:
    await person(world, "anna")
    with pytest.raises(NotAllowed, match="there is another user anna, who signs in by local"):
        await come_in(world)


async def test_a_way_back_counts_once_in_the_browser_that_began_it_and_soon(world: World) -> None:
    services = here(world)
    door, mine = await away.begin(services, BACK)
    back = await browse(door)
    with pytest.raises(NotAllowed, match="another browser"):
        await away.finish(services, back, "another", "10.0.0.9")
    with pytest.raises(NotAllowed, match="not begun here"):
        await away.finish(services, back, mine, "10.0.0.9")
    door, mine = await away.begin(services, BACK)
    back = await browse(door)
    world.clock.wall_s += away.AWAY_S
    with pytest.raises(NotAllowed, match="too long ago"):
        await away.finish(services, back, mine, "10.0.0.9")
    for query in ({}, {"state": "made up", "code": "x"}):
        with pytest.raises(NotAllowed, match="not begun here"):
            await away.finish(services, query, mine, "10.0.0.9")


async def test_a_code_that_was_taken_from_another_sign_in_is_worth_nothing(world: World) -> None:
    """The thief has a browser of his own and somebody else's code: PKCE's verifier is not the one it was made for."""
    services = here(world)
    door, _ = await away.begin(services, BACK)
    stolen = (await browse(door))["code"]
    own, mine = await away.begin(services, BACK)
    state = (await browse(own))["state"]
    with pytest.raises(NotAllowed, match="does not take its code back"):
        await away.finish(services, {"state": state, "code": stolen}, mine, "10.0.0.9")


@pytest.mark.parametrize("claims", [
    {"iss": "http://127.0.0.1:1"}, {"aud": "another"}, {"aud": ["another"]}, {"exp": int(time.time()) - 3600},
    {"exp": None}, {"iat": int(time.time()) + 3600}, {"nonce": "another"}, {"nonce": None}, {"azp": "another"},
    {"preferred_username": None}, {"preferred_username": ["anna"]}, {"preferred_username": "a b"},
], ids=str)
async def test_a_token_that_is_not_for_us_and_now_proves_nothing(world: World, provider: Provider,
                                                                 claims: dict[str, object]) -> None:
    provider.claims = claims
    with pytest.raises(NotAllowed):
        await come_in(world)
    assert not world.view().users


async def test_a_token_that_another_signed_proves_nothing(world: World, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "first"}, auto_kid=False)
    with pytest.raises(NotAllowed, match="proves nothing"):
        await come_in(world)
    public = provider.key.as_pem(private=False)
    provider.signs_with, provider.algorithm = OctKey.import_key(public[:60].hex(), {"kid": "first"}), "HS256"
    with pytest.raises(NotAllowed, match="proves nothing"):
        await come_in(world)
    assert not world.view().users


async def test_a_new_key_of_the_provider_is_found(world: World, provider: Provider) -> None:
    await come_in(world)
    provider.key = provider.signs_with = RSAKey.generate_key(2048, {"kid": "second"}, auto_kid=False)
    assert await come_in(world)
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(("issuer", "says"), [
    ("http://id.example.org", "is no https:// address"),
    ("ftp://127.0.0.1", "is no https:// address"),
    ("", "is no https:// address"),
    ("http://127.0.0.1:1", "cannot be asked"),
])
async def test_a_provider_that_cannot_be_asked_is_one_sentence(issuer: str, says: str) -> None:
    world = World(outside=Outside(provider=OidcProvider(issuer, "stanchion")))
    with pytest.raises(HostError, match=says):
        await away.begin(here(world), BACK)


async def test_a_provider_that_is_another_than_it_should_be_is_not_asked(provider: Provider) -> None:
    at = provider.issuer
    provider.issuer = "http://127.0.0.1:1"
    world = World(outside=Outside(provider=OidcProvider(at, "stanchion")))
    with pytest.raises(HostError, match="does not describe itself"):
        await away.begin(here(world), BACK)


async def test_a_claim_inside_another_is_found(provider: Provider, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    provider.person |= {"groups": None, "realm_access": {"roles": ["ops"]}, "email": "anna@example.org"}
    world = World(outside=Outside(groups=GROUPS, provider=OidcProvider(
        provider.issuer, "stanchion", secret_file=secret, name_claim="email", groups_claim="realm_access.roles")))
    await come_in(world)
    assert world.view().users["anna@example.org"].value.role is Role.OPERATOR
