"""Playing scenario files again and judging them: our own lives, and neutral scenarios of other clusters."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stanchion.model.errors import InvalidInput
from stanchion.sim import scenario
from stanchion.sim.life import play
from stanchion.sim.neutral import RULES, Because, Result, scenarios
from stanchion.sim.stage import act


def replayed(file: Path) -> Iterator[Result]:
    """Play what a file holds. Raises ``InvalidInput`` when that cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidInput(f"{file} cannot be read: {problem}") from problem
    if file.suffix == ".json":
        played = play(scenario.read(text, where=str(file)))
        told = played.violations[0].told() if played.violations else ""
        yield Result(name=file.stem, verdict="fail" if told else "pass", why=told)
        return
    for each in scenarios(text, where=str(file)):
        yield act(each)


def page(results: list[Result]) -> str:
    """Give the table of neutral scenarios as a page of Markdown."""
    head = ("# Scenarios of other clusters\n\n"
            "What a high-availability manager does in situations that the tests of another one describe, replayed by\n"
            "`stanchion sim replay FILE --table docs/scenarios.md` through the real agent. *pass*: it ends as\n"
            "described, and no invariant broke. *differs*: by the rules that are named the machines they touch end\n"
            "otherwise, or something that the product does not have was left out; all else ends as described, every\n"
            "invariant held, and how it ends here is stated. Whatever no rule explains is a *fail*. A test keeps this\n"
            "page true.\n\n")
    counts = Counter(result.verdict for result in results)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("pass", "differs", "fail"))
    rules = [f"| {because} | {RULES[because]} |" for because in Because
             if any(because in result.why.split(", ") for result in results if result.verdict == "differs")]
    rows = [f"| {result.name} | {result.verdict} | {result.why or '-'} | {result.end or '-'} |" for result in results]
    return f"{head}{len(results)} scenarios: {told}.\n\n" + "\n".join(
        ("## The rules", "", "| rule | the product |", "|---|---|", *rules, "", "## The scenarios", "",
         "| scenario | result | rules | how it ends here |", "|---|---|---|---|", *rows)) + "\n"
