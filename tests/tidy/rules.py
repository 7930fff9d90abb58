"""The bars of the house as rules that a machine can read: sizes, docstrings, names and words.

What can be counted need not be argued about. Each rule is a function ``rule(path, text) -> list[str]``: it looks at
one file alone and gives its faults, one sentence each, ``path:line`` first. A rule passes over files that it does not
concern. ``RULES`` lists them all; ``dead_modules`` alone needs the whole tree. ``test_rules.py`` holds a deliberate
breach for every rule, so a rule that went blind turns red itself.

*Code lines* are lines that hold code: blank lines, comments and docstrings are free, because nobody should be tempted
to leave out a sentence to keep a bar.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath

Rule = Callable[[str, str], list[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef

FILE_LINES = 400
FUNCTION_LINES = 60
FUNCTION_LINES_AIM = 40
CLASS_LINES = 200
COLUMNS = 120
POSITIONALS = 5

_IDLE = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
                   tokenize.ENDMARKER})
_BANNED_STEMS = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "base", "misc"})
_LATER = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b(.*)")  # brackets keep this file free of the words it looks for
_PRIVATE_PLACES = re.compile(
    r"(?<![\w.])/(?:roo[t]|wor[k]|hom[e]/\w+|User[s]/\w+|tmp/ven[v]|opt/wheel[s]|opt/pyp[i])/[\w.]"
    r"|//[\w.:-]+/(?:artifactor[y]|nexu[s]|devp[i])\b"
    r"|\b[\w-]+\.(?:interna[l]|intrane[t]|cor[p])\b")
_TEXTS = (".py", ".md", ".toml", ".sh", ".bash", ".yaml", ".yml", ".cfg", ".ini", ".txt", ".c", ".asm", "")


def is_python(path: str) -> bool:
    """Tell whether the file is a Python module."""
    return path.endswith(".py")


def is_product(path: str) -> bool:
    """Tell whether the file is part of what is shipped, not of its tests."""
    return path.startswith("src/")


@cache
def tree(text: str) -> ast.Module:
    """Parse a module, once."""
    return ast.parse(text)


def nodes(text: str) -> Iterator[ast.AST]:
    """Walk the syntax tree of a module."""
    return ast.walk(tree(text))


@cache
def busy_lines(text: str) -> frozenset[int]:
    """Give the lines of a module that hold code."""
    busy: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _IDLE:
            busy.update(range(token.start[0], token.end[0] + 1))
    for node in nodes(text):
        busy -= _docstring_lines(node)
    return frozenset(busy)


def code_lines(text: str, node: ast.ClassDef | Function) -> int:
    """Count the lines of a function or class that hold code."""
    return len(busy_lines(text) & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))


def _docstring_lines(node: ast.AST) -> set[int]:
    """Give the lines that the docstring of a module, class or function takes."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    if ast.get_docstring(node, clean=False) is None:
        return set()
    return set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))


def file_size(path: str, text: str) -> list[str]:
    """A module has at most 400 lines, of whatever kind: it is read as a whole."""
    lines = len(text.splitlines())
    return [f"{path}: {lines} lines, at most {FILE_LINES}"] if is_python(path) and lines > FILE_LINES else []


def function_sizes(path: str, text: str) -> list[tuple[str, int]]:
    """List every function with its code lines; the long ones are printed by the test, without making it red."""
    if not is_python(path):
        return []
    return [(f"{path}:{node.lineno} {node.name}", code_lines(text, node))
            for node in nodes(text) if isinstance(node, Function)]


def function_size(path: str, text: str) -> list[str]:
    """A function has at most 60 lines of code; 40 is what we aim at."""
    return [f"{where}: {lines} lines of code, at most {FUNCTION_LINES}"
            for where, lines in function_sizes(path, text) if lines > FUNCTION_LINES]


def class_size(path: str, text: str) -> list[str]:
    """A class has at most 200 lines of code: all that one reader can hold at once. A plain list of words is none."""
    if not is_python(path):
        return []
    sizes = [(node, code_lines(text, node)) for node in nodes(text)
             if isinstance(node, ast.ClassDef) and not _only_words(node)]
    return [f"{path}:{node.lineno} {node.name}: {lines} lines of code, at most {CLASS_LINES}"
            for node, lines in sizes if lines > CLASS_LINES]


def _only_words(node: ast.ClassDef) -> bool:
    return all(isinstance(each, ast.Assign | ast.Expr) and isinstance(each.value, ast.Constant)
               and isinstance(each.value.value, str) for each in node.body)


def module_docstring(path: str, text: str) -> list[str]:
    """Every module says what it is for."""
    if not is_python(path) or ast.get_docstring(tree(text)):
        return []
    return [f"{path}: no module docstring"]


def public_docstrings(path: str, text: str) -> list[str]:
    """Every public class, function and method of the product says what it is for."""
    if not (is_python(path) and is_product(path)):
        return []
    return [f"{path}:{node.lineno} {node.name}: no docstring" for node in _public(tree(text))
            if not ast.get_docstring(node)]


def _public(parent: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | Function]:
    """Give the public definitions of a module and of its public classes; what a function hides is its own affair."""
    for node in parent.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def positional_parameters(path: str, text: str) -> list[str]:
    """A function takes at most five positional parameters; more are named by the caller."""
    if not is_python(path):
        return []
    faults = []
    for node in nodes(text):
        if isinstance(node, Function):
            names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
            count = len(names) - (names[:1] in (["self"], ["cls"]))
            if count > POSITIONALS:
                faults.append(f"{path}:{node.lineno} {node.name}: {count} positional parameters, at most {POSITIONALS}")
    return faults


def line_width(path: str, text: str) -> list[str]:
    """A line of code has at most 120 columns; tables and links in Markdown may need more."""
    if PurePosixPath(path).suffix not in {".py", ".sh", ".toml", ""}:
        return []
    return [f"{path}:{number}: {len(line)} columns, at most {COLUMNS}"
            for number, line in enumerate(text.splitlines(), 1) if len(line) > COLUMNS]


def said_later(path: str, text: str) -> list[str]:
    """A note for later says in three words or more what is to be done."""
    if not path.endswith(_TEXTS):
        return []
    found = [(number, _LATER.search(line)) for number, line in enumerate(text.splitlines(), 1)]
    return [f"{path}:{number}: a note for later that does not say what" for number, note in found
            if note and len(re.findall(r"\w+", note[1])) < 3]


def no_print(path: str, text: str) -> list[str]:
    """Only the command line and the lab print; everything else gives values, history or journal lines."""
    if not (is_python(path) and is_product(path)) or path.startswith(("src/stanchion/cli/", "src/stanchion/lab/")):
        return []
    return [f"{path}:{node.lineno}: prints" for node in nodes(text)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"]


def no_patching(path: str, text: str) -> list[str]:
    """A test of the core gives values and compares values; what must be patched to be tested is not pure."""
    if not (is_python(path) and path.startswith("tests/core/")):
        return []
    lines = [_patching_line(node) for node in nodes(text)]
    return [f"{path}:{line}: patches what it tests" for line in lines if line]


def _patching_line(node: ast.AST) -> int:
    """Give the line in which the node imports a mock or patches by pytest's fixture; 0: it does not."""
    match node:
        case ast.ImportFrom(module=str(module), names=names):
            full = {module} | {f"{module}.{name.name}" for name in names}
            return node.lineno if any(name.startswith(("unittest.mock", "mock")) for name in full) else 0
        case ast.Import(names=names):
            return node.lineno if {name.name for name in names} & {"mock", "unittest.mock"} else 0
        case ast.Attribute(value=ast.Name(id="monkeypatch"), attr="setattr" | "delattr" | "setitem" | "delitem"):
            return node.lineno
    return 0


def file_name(path: str, text: str) -> list[str]:  # noqa: ARG001 - a rule takes both
    """A file is named for what it holds; a name that fits everything says nothing."""
    stem = PurePosixPath(path).stem
    banned = _BANNED_STEMS & set(stem.lower().split("_")) if is_python(path) else set()
    return [f"{path}: a file named {word} says nothing about what it holds" for word in sorted(banned)]


def private_places(path: str, text: str) -> list[str]:
    """No file names a place that exists on its author's machine or network alone."""
    if PurePosixPath(path).suffix not in _TEXTS:
        return []
    found = [(number, _PRIVATE_PLACES.search(line)) for number, line in enumerate(text.splitlines(), 1)]
    return [f"{path}:{number}: names a place on one machine: {place[0]}" for number, place in found if place]


def strict_bash(path: str, text: str) -> list[str]:
    """A script of ours stops at a variable that was never set: ``set -u`` stands among its first lines of code."""
    if not path.startswith("scripts/") or not re.match(r"#!.*\b(?:ba)?sh\b", text):
        return []
    code = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if any(re.match(r"set -[a-zA-Z]*u", line) for line in code[:5]):
        return []
    return [f"{path}: no `set -u` among its first lines"]


RULES: tuple[Rule, ...] = (
    file_size, function_size, class_size, module_docstring, public_docstrings, positional_parameters, line_width,
    said_later, no_print, no_patching, file_name, private_places, strict_bash,
)


def dead_modules(sources: Mapping[str, str], *, used_elsewhere: Iterable[str] = ()) -> list[str]:
    """Name the modules of the product that nobody uses, given the texts of all that is shipped by path.

    A package's ``__init__`` and ``__main__`` are entries. A module whose dotted name or file name stands in a string,
    or in a shipped file that is not Python, is used too: it is run as a program of its own.
    """
    used = set(used_elsewhere)
    for path, text in sources.items():
        used |= uses(path, text)
    return [f"{path}: nobody uses this module" for path in sorted(sources)
            if is_python(path) and not path.endswith(("__init__.py", "__main__.py"))
            and module_name(path) not in used and PurePosixPath(path).name not in used]


def module_name(path: str) -> str:
    """Turn ``src/stanchion/plan/planner.py`` into ``stanchion.plan.planner``."""
    return path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def uses(path: str, text: str) -> set[str]:
    """Give the modules that one file imports or names; what a module says of itself does not count."""
    if not is_python(path):
        return set(re.findall(r"\bstanchion(?:\.\w+)+", text))
    used: set[str] = set()
    for node in nodes(text):
        match node:
            case ast.Import(names=names):
                used |= {name.name for name in names}
            case ast.ImportFrom(module=str(module), names=names):
                used |= {module} | {f"{module}.{name.name}" for name in names}
            case ast.Constant(value=str(word)) if "." in word and " " not in word:
                used.add(word.partition(":")[0])
    return used - {module_name(path), PurePosixPath(path).name}
