"""What a script says to whoever only reads it: its plain assignments, and the words of its commands.

Scripts of this trade set variables, then call a function or an agent. So much can be read without running anything:
a value is known when it is made of plain text and of variables that are known before it. Whatever needs more than
that is left out rather than guessed.
"""

import re
from collections.abc import Iterator, Mapping

_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=(.*)")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_APART = re.compile(r"\|\||&&|[;|&]|\b(?:then|do|else)\b")
_BEFORE = frozenset({"exit_on_error", "ignore_error", "if", "elif", "while", "until", "!", "command", "exec", "sudo"})

Said = Mapping[str, str]
"""Variables, by name, as far as they are known."""


def without_comments(code: str) -> str:
    """Take the comments out, and join lines that a backslash continues."""
    return re.sub(r"(?m)(?:^|(?<=[\s;]))#.*$", "", code).replace("\\\n", " ")


def assigned(code: str) -> dict[str, str]:
    """Read the plain assignments of a script; a value that needs more than earlier ones is left out."""
    said: dict[str, str] = {}
    for line in code.splitlines():
        _note(line, said)
    return said


def commands(script: str) -> Iterator[tuple[list[str], Said]]:
    """Give the words of each command in its order, with the variables as they are known there.

    Words such as ``exit_on_error`` that only stand before a command are left out; so is a word that cannot be known.
    """
    said: dict[str, str] = {}
    for line in without_comments(script).splitlines():
        if _note(line, said):
            continue
        for part in _APART.split(line):
            words = [filled(word, said) for word in part.split()]
            known = [word for word in words if word]
            while known and known[0] in _BEFORE:
                known = known[1:]
            if known:
                yield known, said


def filled(value: str, said: Said) -> str | None:
    """Fill variables in; None where the value cannot be known by reading."""
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    if value.startswith("'"):
        return bare
    names = [first or second for first, second in _VARIABLE.findall(bare)]
    if any(name not in said for name in names):
        return None
    plain = _VARIABLE.sub(lambda found: said[found[1] or found[2]], bare)
    return None if re.search(r"[$`\"'\s\\;|&<>()]", plain) else plain


def _note(line: str, said: dict[str, str]) -> bool:
    """Note a line that is an assignment; whether it is one."""
    found = _ASSIGNMENT.fullmatch(line)
    if found is None:
        return False
    plain = filled(found[2].strip(), said)
    if plain is None:
        said.pop(found[1], None)
    else:
        said[found[1]] = plain
    return True
