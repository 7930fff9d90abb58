"""What is found in a script before it is saved."""

import asyncio

import pytest

from stanchion.drivers.lint import BYTES_ALLOWED, ScriptLint

VGCHANGE_ALONE = (
    "Line 3: vgchange names no volume group and would act on every one; it is given VOLGROUP_NAME or "
    "CONTAINER_NAME, or refused."
)
SOURCE = "#!/bin/bash\n. /opt/novell/ncs/lib/ncsfuncs\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("echo a\nif true\nfi\nexit 0\n", "Line 3: syntax error near unexpected token `fi'."),
        ("echo 'a\nexit 0\n", "Line 1: unexpected EOF while looking for matching `''."),
        ("echo a\nexit 0\r\n", "Line 2 ends in CR LF, as Windows writes it; save the script with plain line ends."),
        ("echo a\necho \0\n", "Line 2 holds a NUL byte; a script is plain text."),
    ],
)
async def test_what_bash_cannot_read_is_one_sentence_with_its_line(text: str, error: str) -> None:
    assert await ScriptLint().check(text) == ((error,), ())


async def test_a_script_that_is_too_long_is_refused() -> None:
    errors, _ = await ScriptLint().check("# x\n" * (BYTES_ALLOWED // 4 + 1))
    assert errors == (f"The script has {BYTES_ALLOWED + 4} bytes; at most {BYTES_ALLOWED} are allowed.",)


@pytest.mark.parametrize("text", ["", "\n \n", SOURCE + "shopt -s extglob\nrm -f !(a|b)\nexit 0\n"])
async def test_nothing_is_said_of_what_is_judged_elsewhere_or_fine(text: str) -> None:
    assert await ScriptLint().check(text) == ((), ())


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        (
            "CONTAINER_NAME=x\nexit_on_error vgchange -a ey $VOLGROUP_NAME\nexit 0\n",
            "Line 4: VOLGROUP_NAME is used but never assigned; vgchange is given CONTAINER_NAME instead.",
        ),
        ("echo ${NAMES[0]} $NAMES\nexit 0\n", "Line 3: NAMES is used but never assigned."),
        (
            "exit_on_error vgchange -a ey\nexit 0\n",
            VGCHANGE_ALONE,
        ),
        (
            "x=`exit_on_error date`\nexit 0\n",
            "Line 3: exit_on_error ends only the subshell that it runs in here, not the script.",
        ),
        (
            "x=$(exit_on_error date)\nexit 0\n",
            "Line 3: exit_on_error ends only the subshell that it runs in here, not the script.",
        ),
        (
            "exit_on_error date | cat\nexit 0\n",
            "Line 3: exit_on_error ends only the subshell that it runs in here, not the script.",
        ),
        (
            "exit_on_error date\n",
            "Line 3: the script does not end with exit, so its result is that of its last command.",
        ),
        ("exit 0\necho late\n", "Line 4: this is never reached, because line 3 ends the script."),
        ("cat <<E\nabc\nexit 0\n", "Line 5: here-document at line 3 delimited by end-of-file (wanted `E')."),
    ],
)
async def test_what_experience_distrusts_is_a_warning_with_its_line(body: str, warning: str) -> None:
    errors, warnings = await ScriptLint().check(SOURCE + body)
    assert errors == ()
    assert warning in warnings


async def test_using_the_library_without_sourcing_it_is_told() -> None:
    _, warnings = await ScriptLint().check("exit_on_error true\nexit 0\n")
    assert warnings == ("Line 1: exit_on_error comes from /opt/novell/ncs/lib/ncsfuncs, which is not sourced.",)


@pytest.mark.parametrize(
    "body",
    [
        'echo "$NCS_TOFROM $OCF_RESKEY_name $1 $? ${MAYBE:-no} ${OTHER+x}"\n',
        "for x in a b; do echo $x; done\nwhile read -r a b; do echo $a $b; done < /etc/fstab\n",
        "f() {\n    local one=1 two\n    two=$one\n    echo $two\n    exit 1\n}\nf\n",
        "echo '$NOT_EXPANDED' \\$NOR_THIS # $NOR_IN_COMMENTS\n",
        ": ${DEFAULTED:=1}\necho $DEFAULTED\nprintf -v MADE x\necho $MADE\n",
        'if [ -n "$NCS_TOFROM" ]; then\n    exit 1\nfi\n[ -d /mnt ] || exit 1\n{ true; exit_on_error true; }\n',
        "exit_on_error test a || true\nvgchange -a ey vg0 | cat\n",
        ". /etc/sysconfig/mine\necho $FROM_THERE\n",
    ],
)
async def test_good_scripts_are_left_alone(body: str) -> None:
    assert await ScriptLint().check(SOURCE + body + "exit 0\n") == ((), ())


@pytest.mark.parametrize("text", ["$(" * 60_000, "exit_on_error " * 9_000, "\n" * 120_000 + "x", "a[\n" * 40_000])
async def test_no_text_keeps_the_agent_from_its_lease(text: str) -> None:
    """The lint runs inside the agent: patterns that look at a text many times over must not see much of it."""
    async with asyncio.timeout(20):
        await ScriptLint().check(f"{text}\nexit 0\n")


async def test_a_script_without_a_command_is_doubted() -> None:
    errors, warnings = await ScriptLint().check("# nothing but words\n")
    assert (errors, warnings) == ((), ("Line 1: there is no command in the script, so it does nothing and ends well.",))
