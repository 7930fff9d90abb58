"""Users: the first administrator's link, passwords, roles, locks, and the administrator that always stays."""

import asyncio

import pytest
from visitors import HOST, PASSWORD, browser, here, person, sign_in

from stanchion.api.access import people, sessions
from stanchion.api.access.identity import COOKIE, IDLE_S, digest
from stanchion.model.access import Role
from stanchion.model.errors import InvalidInput, NotAllowed, NotFound, NotNow, NotPermitted
from stanchion.wire.access import InviteOrder, UserChange
from surface import World


async def test_the_first_administrator_comes_in_by_a_link_that_is_good_once() -> None:
    world = World()
    async with world.client() as client:
        made = await client.invite(InviteOrder(name="Anna", role=Role.ADMINISTRATOR))
        assert made.url == f"http://node1:7423{made.path}"
        assert [each.user for each in (await client.users()).invitations] == ["anna"]
    link = made.path.removeprefix("/console/first/")
    assert people.invited(here(world), link).role is Role.ADMINISTRATOR

    cookie = await people.accept(here(world), link, PASSWORD, "10.0.0.9", "Firefox")

    async with browser(world, cookie) as http:
        me = (await http.get("/v1/me")).json()
        listed = (await http.get("/v1/users")).json()
    assert (me["name"], me["role"], me["how"]) == ("anna", "administrator", "session")
    assert [(each["name"], each["sessions"]) for each in listed["users"]] == [("anna", 1)]
    assert listed["invitations"] == []
    with pytest.raises(NotAllowed, match="good no more"):
        await people.accept(here(world), link, PASSWORD, "10.0.0.9")


async def test_a_link_that_is_old_or_replaced_or_guessed_opens_nothing() -> None:
    world = World()
    first = await people.invite(here(world), HOST, InviteOrder(name="anna"))
    second = await people.invite(here(world), HOST, InviteOrder(name="ANNA"))
    for link in (first.path.removeprefix(people.FIRST), "", ".", "x.y", f"{second.path.removeprefix(people.FIRST)}x"):
        with pytest.raises(NotAllowed, match="good no more"):
            await people.accept(here(world), link, PASSWORD, "10.0.0.9")
    world.clock.wall_s += 3600
    with pytest.raises(NotAllowed, match="good no more"):
        people.invited(here(world), second.path.removeprefix(people.FIRST))


async def test_of_two_who_open_the_same_link_at_once_one_sets_the_password() -> None:
    world = World()
    made = await people.invite(here(world), HOST, InviteOrder(name="anna"))
    link = made.path.removeprefix(people.FIRST)
    ends = await asyncio.gather(*(people.accept(here(world), link, f"{PASSWORD}{each}", "10.0.0.9")
                                  for each in range(2)), return_exceptions=True)
    assert sorted(type(end) is str for end in ends) == [False, True]


@pytest.mark.parametrize("password", ["", "elevenlette", "x" * 1025])
async def test_a_password_is_long_enough_and_nothing_else_is_asked(password: str) -> None:
    world = World()
    made = await people.invite(here(world), HOST, InviteOrder(name="anna"))
    with pytest.raises(InvalidInput, match="a password has 12 to 1024 letters"):
        await people.accept(here(world), made.path.removeprefix(people.FIRST), password, "10.0.0.9")
    assert await people.accept(here(world), made.path.removeprefix(people.FIRST), "a" * 12, "10.0.0.9")


@pytest.mark.parametrize("name", ["", " ", "token:x", "a/b", "<script>", "a" * 65, "-a"])
async def test_a_name_has_letters_that_need_no_care_anywhere(name: str) -> None:
    world = World()
    with pytest.raises(InvalidInput, match="cannot be a user's name"):
        await people.invite(here(world), HOST, InviteOrder.model_construct(name=name, role=Role.VIEWER, valid_s=3600))


async def test_names_are_the_same_in_any_case() -> None:
    world = World()
    await person(world, "Anna")
    assert list(world.view().users) == ["anna"]
    assert await sign_in(world, "ANNA")


async def test_nothing_that_the_store_holds_opens_anything() -> None:
    world = World()
    cookie = await person(world)
    stored = repr([change.value for change in world.engine.snapshot().changes])
    assert cookie not in stored
    assert PASSWORD not in stored
    assert digest(cookie) in stored
    assert "$argon2id$" in world.view().users["anna"].value.password


async def test_the_last_administrator_stays() -> None:
    world = World()
    await person(world, "anna")
    await person(world, "bob", Role.OPERATOR)
    async with world.client() as client:
        for change in (UserChange(role=Role.OPERATOR), UserChange(locked=True)):
            with pytest.raises(NotNow, match="anna is the last administrator"):
                await client.change_user("anna", change)
        with pytest.raises(NotNow, match="anna is the last administrator"):
            await client.delete_user("Anna")
        await client.change_user("bob", UserChange(role=Role.ADMINISTRATOR))
        assert (await client.change_user("anna", UserChange(role=Role.VIEWER))).role is Role.VIEWER
        with pytest.raises(NotNow, match="bob is the last administrator"):
            await client.delete_user("bob")


async def test_two_administrators_who_demote_each_other_at_once_do_not_both_succeed() -> None:
    world = World()
    await person(world, "anna")
    await person(world, "bob")
    services = here(world)
    change = UserChange(role=Role.VIEWER)
    ends = await asyncio.gather(people.change(services, HOST, "anna", change),
                                people.change(services, HOST, "bob", change), return_exceptions=True)
    assert sum(end is None for end in ends) == 1
    assert [each.value.role for each in world.view().users.values()].count(Role.ADMINISTRATOR) == 1


async def test_a_change_of_role_or_a_lock_or_a_deletion_ends_the_sessions_of_a_user_at_once() -> None:
    world = World()
    mine = await person(world, "anna")
    async with browser(world, mine) as http:
        for change in ({"role": "operator"}, {"locked": True}, None):
            theirs = await person(world, f"bob{len(world.view().users)}", Role.VIEWER)
            name = max(world.view().users)
            async with browser(world, theirs) as other:
                assert (await other.get("/v1/status")).status_code == 200
                answer = (await http.patch(f"/v1/users/{name}", json=change) if change
                          else await http.delete(f"/v1/users/{name}"))
                assert answer.is_success, answer.text
                assert (await other.get("/v1/status")).status_code == 401
        assert (await http.get("/v1/status")).status_code == 200


async def test_whose_password_is_changed_goes_on_with_a_new_cookie_and_is_out_everywhere_else() -> None:
    world = World()
    here_, there = await person(world), await sign_in(world)
    async with browser(world, here_) as http, browser(world, there) as other:
        asked = {"old": PASSWORD, "new": "another long password"}
        wrong = await http.put("/v1/me/password", json=asked | {"old": "not this one at all"})
        assert (wrong.status_code, wrong.json()["detail"]) == (403, "the old password is wrong")
        assert (await other.get("/v1/me")).status_code == 200
        changed = await http.put("/v1/me/password", json=asked)
        assert changed.status_code == 204, changed.text
        assert (await other.get("/v1/me")).status_code == 401
    set_cookie = changed.headers["set-cookie"]
    assert all(word in set_cookie for word in (f"{COOKIE}=", "HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    assert "Domain" not in set_cookie
    fresh = set_cookie.removeprefix(f"{COOKIE}=").partition(";")[0]
    async with browser(world, fresh) as http:
        assert (await http.get("/v1/me")).status_code == 200
    with pytest.raises(NotAllowed, match="wrong"):
        await sign_in(world)
    assert await sign_in(world, password="another long password")


async def test_only_who_is_signed_in_has_a_password_to_change() -> None:
    world = World()
    with pytest.raises(NotPermitted, match="sign in first"):
        await people.change_password(here(world), HOST, PASSWORD, PASSWORD)


async def test_a_link_for_a_user_that_there_is_sets_a_new_password_and_keeps_the_role() -> None:
    world = World()
    old = await person(world, "bob", Role.OPERATOR)
    made = await people.invite(here(world), HOST, InviteOrder(name="bob", role=Role.ADMINISTRATOR))
    assert made.role is Role.OPERATOR
    await people.accept(here(world), made.path.removeprefix(people.FIRST), "another long password", "10.0.0.9")
    assert world.view().users["bob"].value.role is Role.OPERATOR
    async with browser(world, old) as http:
        assert (await http.get("/v1/me")).status_code == 401


async def test_an_invitation_is_withdrawn_and_a_stranger_is_not_found() -> None:
    world = World()
    made = await people.invite(here(world), HOST, InviteOrder(name="bob"))
    async with world.client() as client:
        await client.delete_user("bob")
        with pytest.raises(NotAllowed):
            people.invited(here(world), made.path.removeprefix(people.FIRST))
        for refused in (client.delete_user("bob"), client.change_user("bob", UserChange(locked=True)),
                        client.sign_user_out("bob")):
            with pytest.raises(NotFound, match="there is no user bob"):
                await refused


async def test_sessions_end_by_age_by_idleness_and_by_hand() -> None:
    world = World()
    cookie = await person(world)
    async with browser(world, cookie) as http:
        async def good() -> bool:
            return (await http.get("/v1/me")).status_code == 200

        world.clock.wall_s += IDLE_S - 1
        assert await good()
        await asyncio.gather(*here(world).vigil.tasks)
        world.clock.wall_s += IDLE_S - 1
        assert await good(), "it was seen, and that was written down"
        await asyncio.gather(*here(world).vigil.tasks)
        world.clock.wall_s += IDLE_S
        assert not await good()

    other = await sign_in(world)
    async with browser(world, other) as http:
        for _ in range(int(sessions.SESSION_S // (IDLE_S / 2)) - 1):
            world.clock.wall_s += IDLE_S / 2
            assert (await http.get("/v1/me")).status_code == 200
            await asyncio.gather(*here(world).vigil.tasks)
        world.clock.wall_s += IDLE_S / 2
        assert (await http.get("/v1/me")).status_code == 401, "twelve hours are over, however busy it was"

    third = await sign_in(world)
    await sessions.sign_out(here(world), third)
    await sessions.sign_out(here(world), third)
    async with browser(world, third) as http:
        assert (await http.get("/v1/me")).status_code == 401
    assert not world.view().sign_ins, "what ended is removed at the next sign-in"


async def test_that_a_session_is_used_is_written_every_five_minutes_at_most() -> None:
    world = World()
    cookie = await person(world)
    before = world.engine.revision
    async with browser(world, cookie) as http:
        for _ in range(50):
            await http.get("/v1/status")
        assert world.engine.revision == before
        world.clock.wall_s += sessions.SEEN_EVERY_S
        for _ in range(50):
            await http.get("/v1/status")
        await asyncio.gather(*here(world).vigil.tasks)
    assert world.engine.revision == before + 1


async def test_a_user_has_so_many_sessions_and_the_oldest_goes() -> None:
    world = World()
    first = await person(world)
    for _ in range(sessions.MOST):
        world.clock.wall_s += 1
        await sign_in(world)
    assert len(world.view().sign_ins) == sessions.MOST
    assert digest(first) not in world.view().sign_ins


async def test_administrators_see_and_end_the_sessions_of_all_and_others_their_own() -> None:
    world = World()
    anna, bob = await person(world), await person(world, "bob", Role.VIEWER)
    async with browser(world, bob) as http:
        mine = (await http.get("/v1/sign-ins")).json()["sign_ins"]
        assert [(each["user"], each["mine"]) for each in mine] == [("bob", True)]
        assert (await http.get("/v1/sign-ins?all=true")).status_code == 403
        assert (await http.delete(f"/v1/sign-ins/{digest(anna)}")).status_code == 404
    async with browser(world, anna) as http:
        every = (await http.get("/v1/sign-ins?all=true")).json()["sign_ins"]
        assert sorted(each["user"] for each in every) == ["anna", "bob"]
        assert (await http.delete(f"/v1/sign-ins/{digest(bob)[:12]}")).status_code == 204
    async with browser(world, bob) as http:
        assert (await http.get("/v1/sign-ins")).status_code == 401
