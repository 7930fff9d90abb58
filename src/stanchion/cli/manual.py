"""Manual pages, written from the definitions of the commands and settings themselves, so that they cannot be wrong.

``scripts/manual`` writes them where packages take them from, and ``scripts/setup`` puts them beside the commands, where
``man`` finds them. A page is roff with the ``man`` macros and nothing else. Text in code marks becomes bold.
"""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stanchion import __version__
from stanchion.cli import exits
from stanchion.cli.original import app as cluster
from stanchion.cli.session import CONNECTION
from stanchion.config import AgentConfig

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import Argument

COMMON_TITLE = "OUTPUT AND CONNECTION"

EXITS: Mapping[int, str] = {
    0: "It was done.",
    exits.FAILED: "It failed, was refused, or was overtaken by events; standard error says why in one sentence.",
    exits.USAGE: "It makes no sense as it stands.",
    3: "The token is missing or wrong.",
    4: "There is no such thing.",
    5: "Not now: the name is taken, or it is not possible in the present state.",
    6: "No agent answers, or the store does not.",
    exits.INTERRUPTED: "Interrupted; an order that was taken goes on.",
}
"""What the exit codes mean."""

ENVIRONMENT: Mapping[str, str] = {
    "STANCHION_URL": "Addresses of agents, separated by commas, tried in order.",
    "STANCHION_TOKEN_FILE": "File that holds the cluster's token.",
    "STANCHION_CA": "Certificate of the authority that vouches for the agents.",
    "STANCHION_CONFIG": "Client settings to use instead of the usual ones.",
    "STANCHION_OPERATOR": "The name under which orders stand in the history.",
}

FILES: Mapping[str, str] = {
    "/etc/stanchion/agent.toml": "The settings of this host's agent, see stanchion-agent.toml(5).",
    "/etc/stanchion/client.toml": "Where agents answer: urls, token_file, ca.",
    "~/.config/stanchion/client.toml": "The same for one user; it comes first.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its name, the section of the manual, one line about it, and what follows in roff."""

    name: str
    section: int
    about: str
    body: tuple[str, ...]

    def text(self) -> str:
        """Write the page."""
        head = ('.\\" Written by scripts/manual from the program itself.',
                f'.TH "{self.name.upper()}" {self.section} "" "Stanchion {__version__}" "Stanchion"',
                ".SH NAME", f"{_roff(self.name)} \\- {_roff(self.about)}")
        return "\n".join((*head, *self.body)) + "\n"


def write(directory: Path, stanchion: "App") -> None:
    """Write all pages into a directory, by section as ``man`` looks for them; ``stanchion`` is the whole command."""
    for page in pages(stanchion):
        folder = directory / f"man{page.section}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{page.name}.{page.section}").write_text(page.text(), encoding="utf-8")


def pages(stanchion: "App") -> tuple[Page, ...]:
    """Give all pages."""
    return (_command_page(stanchion, also=("cluster(8)", "stanchion-agent.toml(5)")),
            _command_page(cluster, also=("stanchion(8)",)), _settings_page())


def _command_page(app: "App", *, also: Sequence[str]) -> Page:
    name, about, more = app.name[0], *_parts(app.help)
    first, _, rest = about.partition(". ")
    options = _common(app)
    body = [".SH SYNOPSIS", f".B {name}", "\\fICOMMAND\\fR [\\fIOPERAND\\fR ...] [\\fIOPTION\\fR ...]",
            ".SH DESCRIPTION", _roff(about), *_paragraphs(more),
            ".PP", _roff("Names are found in any case. Durations are seconds, or 90s, 10m, 1h."),
            ".SH COMMANDS", *(line for words, each in _leaves(app, (name,)) for line in _command(words, each))]
    if options:
        body += [f".SH {COMMON_TITLE}", *(line for each in options for line in _parameter(each))]
    body += [".SH EXIT STATUS", *_list((str(code), text) for code, text in EXITS.items()),
             ".SH ENVIRONMENT", *_list(ENVIRONMENT.items()), ".SH FILES", *_list(FILES.items()),
             ".SH SEE ALSO", ", ".join(f".BR {each}".removeprefix(".BR ") for each in also)]
    return Page(name, 8, (first if rest else about).rstrip("."), tuple(body))


def _settings_page() -> Page:
    body = [".SH DESCRIPTION", _roff("The settings of one host's agent, a TOML file, read once at start. `stanchion "
                                     "init` and `stanchion join` write it with all of this as comments. An unknown "
                                     "key is an error. Relative paths count from the directory of the file."),
            ".SH SETTINGS"]
    for each in fields(AgentConfig):
        needed = each.default is MISSING and each.default_factory is MISSING
        body += [".TP", f"\\fB{_roff(each.name)}\\fR" + (" (required)" if needed else ""),
                 _roff(str(each.metadata["doc"]))]
    body += [".SH FILES", *_list([("/etc/stanchion/agent.toml", "Where it is looked for as root."),
                                  ("~/.config/stanchion/agent.toml", "Where it is looked for as anybody else.")]),
             ".SH SEE ALSO", "stanchion(8)"]
    return Page("stanchion-agent.toml", 5, "settings of a Stanchion agent", tuple(body))


def _leaves(app: "App", so_far: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], "App"]]:
    """Give every command that is shown, with its words, in the order of its name."""
    for name in sorted(each for each in app if not each.startswith("-")):
        child = app[name]
        if not child.show:
            continue
        deeper = list(_leaves(child, (*so_far, name)))
        yield from deeper or [((*so_far, name), child)]


def _command(words: Sequence[str], app: "App") -> Iterator[str]:
    arguments = [each for each in _arguments(app) if not _is_common(each)]
    operands = [_operand(each) for each in arguments if _is_operand(each)]
    options = ["[\\fIOPTION\\fR ...]"] if len(operands) < len(arguments) else []
    yield f".SS {' '.join((*map(_roff, words), *operands, *options))}"
    about, more = _parts(app.help)
    yield _roff(about)
    yield from _paragraphs(more)
    for each in arguments:
        yield from _parameter(each)


def _arguments(app: "App") -> list["Argument"]:
    if app.default_command is None:
        return []
    return [each for each in app.assemble_argument_collection(parse_docstring=True) if each.show and each.names]


def _common(app: "App") -> list["Argument"]:
    """Give the options that most of its commands have, if there are any."""
    for _, each in _leaves(app, ()):
        found = [argument for argument in _arguments(each) if _is_common(argument)]
        if found:
            return found
    return []


def _is_common(of: "Argument") -> bool:
    return CONNECTION in of.parameter.group  # type: ignore[operator]  # a tuple once it is part of a command


def _is_operand(of: "Argument") -> bool:
    return of.field_info.is_positional and not of.names[0].startswith("-")


def _operand(of: "Argument") -> str:
    name = f"\\fI{_roff(of.names[0])}\\fR"
    if of.field_info.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"[{name} ...]"
    return name if of.required else f"[{name}]"


def _parameter(of: "Argument") -> Iterator[str]:
    choices = of.get_choices(force=True) or ()
    if _is_operand(of):
        yield from (".TP", f"\\fI{_roff(of.names[0])}\\fR")
    else:
        takes = "" if of.hint is bool or (len(of.names) > 1 and of.names[1].startswith(("--no-", "--cold"))) else (
            " \\fIVALUE\\fR")
        yield from (".TP", ", ".join(f"\\fB{_roff(name)}\\fR" for name in of.names) + takes)
    said = [str(of.parameter.help or "").strip()]
    if choices and not all(word in said[0] for word in choices):
        said.append(f"One of: {', '.join(choices)}.")
    default = _default(of.field_info.default)
    if default and of.show_default and "Default:" not in said[0]:
        said.append(f"Default: {default}.")
    yield _roff(" ".join(" ".join(said).split())) or "\\&"


def _default(value: Any) -> str:
    """Write a default as it would be typed; empty where there is none worth telling."""
    if value is inspect.Parameter.empty or isinstance(value, bool) or value in (None, "", ()):
        return ""
    return str(value.value if isinstance(value, Enum) else value)


def _parts(text: str) -> tuple[str, list[str]]:
    """Cut a help text into its first paragraph and the others, without the list of parameters."""
    cut = re.split(r"\n\s*Parameters\n\s*-+\n", text)[0]
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", cut) if each.strip()]
    return (paragraphs[0], paragraphs[1:]) if paragraphs else ("", [])


def _paragraphs(of: Sequence[str]) -> Iterator[str]:
    for each in of:
        yield from (".PP", _roff(each))


def _list(rows: Any) -> Iterator[str]:
    for name, text in rows:
        yield from (".TP", f"\\fB{_roff(name)}\\fR", _roff(text))


def _roff(text: str) -> str:
    """Write text so that roff shows it as it is, code marks as bold."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    safe = re.sub(r"``?([^`]+)``?", r"\\fB\1\\fR", safe)
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
