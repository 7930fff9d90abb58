"""Reads a script before it is saved: what bash cannot parse is an error, what experience distrusts is a warning.

The warnings come from real scripts. The samples of the original use ``VOLGROUP_NAME`` and never assign it;
``exit_on_error`` in a command substitution ends the substitution and not the script; a script that does not end with
``exit`` fails or succeeds by the accident of its last line. They are found by reading, not by running: quotes and
comments are understood, here-documents are not, so a doubtful case is left alone rather than reported.
"""

import asyncio
import re
from collections.abc import Iterator

BYTES_ALLOWED = 256 * 1024
AT_ONCE = 2
"""Whoever may look may have scripts read; the agent renews its lease beside that."""

_PARSE_TIME_S = 10.0
_LETTERS_READ = 400
"""Of a line, so much is read for doubts: the agent renews its lease beside this, and a pattern may look at a line
many times over.
"""
_MARKS = {
    "\0": "holds a NUL byte; a script is plain text",
    "\r": "ends in CR LF, as Windows writes it; save the script with plain line ends",
}
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks of Unicode that turn the order in which a text is shown: what one reads is then not what bash reads."""

_PROVIDED = re.compile(
    r"^(NCS_\w+|STANCHION_\w+|OCF_\w+|HA_RSCTMP|PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|PWD|OLDPWD|IFS"
    r"|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|UID|EUID|PPID|RANDOM|SRANDOM|SECONDS|LINENO|FUNCNAME|PIPESTATUS|REPLY|OPTARG"
    r"|OPTIND|SHLVL|SHELLOPTS|GROUPS|DIRSTACK|EPOCH\w+|BASH\w*|MAPFILE|COPROC|PS4)$",
)
_USED = re.compile(r"\$(?:([A-Za-z_]\w*)|\{#?([A-Za-z_]\w*)(?!\w*(?:\[[^]]*\])?:?[-=+?]))")
_ASSIGNED = re.compile(
    r"(?:^|[\s;&|({])([A-Za-z_]\w*)(?:\[[^]]*\])?\+?=|\$\{([A-Za-z_]\w*):?=|\b(?:for|select)\s+([A-Za-z_]\w*)",
)
_DECLARED = re.compile(
    r"\b(?:read|local|declare|typeset|export|readonly|getopts|mapfile|readarray|printf\s+-v|let)\b([^;|&\n]*)",
)
_LIBRARY = re.compile(r"^\s*(?:\.|source)\s+\S*(ncsfuncs|STANCHION_LIBRARY)\b")
_SOURCED = re.compile(r"^\s*(?:\.|source)\s+(?!\S*(?:ncsfuncs|STANCHION_LIBRARY))")
_LIBRARY_WORD = re.compile(r"^\s*(exit_on_error|ignore_error|ocf_(?:start|stop|status|migrate_to|migrate_from))\b")
_VGCHANGE_ALONE = re.compile(r"\bvgchange((\s+-a\s+\w+|\s+-\S+)*)\s*(?:$|[;&|)`])")
_SUBSHELL = re.compile(r"(`[^`]*|\$\([^)]*|^\s*\([^)]*)\bexit_on_error\b|\bexit_on_error\b[^|;&]*(?<!\|)\|(?!\|)")
_OPENS = re.compile(
    r"(?:^|[;&|]|\b(?:then|do|else)\s)\s*(?:if|for|while|until|case|select)\b"
    r"|(?:^|[\s;&|)])\{(?=\s|$)|^\s*\(\s*$",
)
_CLOSES = re.compile(r"(?:^|;)\s*(?:(?:fi|done|esac)\b|[})])")
_EXIT = re.compile(r"^\s*(?:exit|exec)\b")


class ScriptLint:
    """Behind the port ``Lint``: ``bash -n``, and a reader of our own. So many scripts are read at once; others wait."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def check(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give (errors, warnings), each one sentence with its line. An empty script is not judged here."""
        errors = tuple(_not_text(text))
        if errors or not text.strip():
            return errors, ()
        async with self._turns:
            errors, doubts = await _parse(text)
            return errors, doubts if errors else (*doubts, *await asyncio.to_thread(lambda: tuple(_warnings(text))))


def _not_text(text: str) -> Iterator[str]:
    """Give what keeps the script from being a text that bash reads as it was meant."""
    size = len(text.encode("utf-8", "surrogateescape"))
    if size > BYTES_ALLOWED:
        yield f"The script has {size} bytes; at most {BYTES_ALLOWED} are allowed."
    for mark, what in _MARKS.items():
        if mark in text:
            yield f"Line {_line_of(text, mark)} {what}."
    if turn := _TURNS.search(text):
        yield (f"Line {_line_of(text, turn[0])} holds the mark U+{ord(turn[0]):04X}, which shows text in another order "
               "than bash reads it.")


def _line_of(text: str, mark: str) -> int:
    return text.count("\n", 0, text.index(mark)) + 1


async def _parse(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Let bash parse the text without running it; give its complaints as errors and warnings."""
    try:
        bash = await asyncio.create_subprocess_exec(
            "bash", "-O", "extglob", "-n", "/dev/stdin", env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asyncio.wait_for(bash.communicate(text.encode("utf-8", "surrogateescape")), _PARSE_TIME_S)
    except FileNotFoundError:
        return ("There is no bash on this host to read the script with.",), ()
    except TimeoutError:
        bash.kill()
        await bash.wait()
        return ("Bash could not read the script to its end in time.",), ()
    complaints: list[tuple[int, str]] = []
    for line in said.decode("utf-8", "replace").splitlines():
        found = re.match(r"\S*: line (\d+): (.*)$", line)
        if found and not (complaints and found[2].startswith("`")):  # the second line only quotes the first one's
            complaints.append((int(found[1]), found[2].removeprefix("warning: ")))
    sentences = tuple(f"Line {number}: {what}." for number, what in complaints)
    return (sentences[:1], ()) if bash.returncode else ((), sentences)


def _warnings(text: str) -> Iterator[str]:
    lines = [(number, line[:_LETTERS_READ]) for number, line in enumerate(_code(text).split("\n"), 1)]
    sourced = any(_SOURCED.search(line) for _, line in lines)
    library = sourced or any(_LIBRARY.search(line) for _, line in lines)
    if not sourced:
        yield from _never_assigned(lines)
    for number, line in lines:
        if "vgchange" in line and _VGCHANGE_ALONE.search(line):
            yield (
                f"Line {number}: vgchange names no volume group and would act on every one; it is given VOLGROUP_NAME "
                "or CONTAINER_NAME, or refused."
            )
        if "exit_on_error" in line and _SUBSHELL.search(line):
            yield f"Line {number}: exit_on_error ends only the subshell that it runs in here, not the script."
        if not library and (word := _LIBRARY_WORD.search(line)):
            yield f"Line {number}: {word[1]} comes from /opt/novell/ncs/lib/ncsfuncs, which is not sourced."
            break
    yield from _end(lines)


def _never_assigned(lines: list[tuple[int, str]]) -> Iterator[str]:
    assigned = {name for _, line in lines for found in _ASSIGNED.finditer(line) for name in found.groups() if name}
    assigned |= {name for _, line in lines for found in _DECLARED.finditer(line)
                 for name in re.findall(r"[A-Za-z_]\w*", found[1])}
    for number, line in lines:
        for found in _USED.finditer(line):
            name = found[1] or found[2]
            if name in assigned or _PROVIDED.match(name):
                continue
            replaced = name == "VOLGROUP_NAME" and "CONTAINER_NAME" in assigned
            assigned.add(name)  # told once
            hint = "; vgchange is given CONTAINER_NAME instead" if replaced else ""
            yield f"Line {number}: {name} is used but never assigned{hint}."


def _end(lines: list[tuple[int, str]]) -> Iterator[str]:
    """Judge how the script ends: with ``exit``, and with nothing behind it."""
    depth = 0
    commands = [(number, line) for number, line in lines if line.strip()]
    if not commands:
        yield "Line 1: there is no command in the script, so it does nothing and ends well."
        return
    for (number, line), (after, following) in zip(commands, [*commands[1:], (0, "")], strict=True):
        depth = max(0, depth + len(_OPENS.findall(line)) - len(_CLOSES.findall(line)))
        ends = depth == 0 and bool(_EXIT.match(line)) and not re.search(r"[|&]{2}|<", line)
        if ends and after and not re.match(r"\s*[\w-]+\s*\(\)", following):
            yield f"Line {after}: this is never reached, because line {number} ends the script."
            return
        if not after and not ends:
            yield f"Line {number}: the script does not end with exit, so its result is that of its last command."


def _code(text: str) -> str:
    """Blank out comments, single-quoted text and escaped characters, keeping every line's number."""
    kept: list[str] = []
    quote = ""
    skip = False
    comment = False
    for at, char in enumerate(text):
        if char == "\n":
            comment = skip = False
            kept.append(char)
        elif comment or skip:
            skip = False
            kept.append(" ")
        elif char == "\\" and quote != "'":
            skip = True
            kept.append(" ")
        elif quote == "'":
            quote = "" if char == "'" else quote
            kept.append("_" if char != "'" else char)
        elif char == "#" and not quote and (at == 0 or text[at - 1] in " \t\n;"):
            comment = True
            kept.append(" ")
        else:
            if char == '"' or (char == "'" and not quote):
                quote = "" if quote else char
            kept.append(char)
    return "".join(kept)
