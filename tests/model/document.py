"""What docs/live-protocol.md says of the model; `python -m tests.model.document` writes it."""

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from tests.model import results
from tests.model.mutations import LIMITS, NAIVE, RULES, Mutation
from tests.model.scenarios import SCENARIOS
from tests.model.world import Scenario

DOCUMENT = Path(__file__).parents[2] / "docs" / "live-protocol.md"
# What lies between is the model's.
PARTS = re.compile(r"(<!-- model: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_findings(text: str) -> str:
    """The document with what the model finds now."""
    return PARTS.sub(lambda part: f"{part[1]}\n{_written(part[2])}\n\n{part[3]}", text)


def _written(part: str) -> str:
    if part == "scenarios":
        return _table()
    return _counterexamples({"naive": NAIVE, "rules": RULES, "limits": LIMITS}[part])


def _table() -> str:
    lines = ["| scenario | surroundings | states | transitions |", "| --- | --- | ---: | ---: |"]
    states = transitions = 0
    for name, scenario in SCENARIOS.items():
        found = results.of_whole_protocol(scenario)
        lines.append(
            f"| {name} | {_surroundings(scenario)} | {found.states:,} | {found.transitions:,} |"
        )
        states, transitions = states + found.states, transitions + found.transitions
    return "\n".join([*lines, f"| all | | {states:,} | {transitions:,} |"])


def _surroundings(scenario: Scenario) -> str:
    """How many writes, and what is not as by default."""
    parts = [f"{scenario.writes} write{'s' * (scenario.writes != 1)}"]
    for each in dataclasses.fields(Scenario):
        value = getattr(scenario, each.name)
        name = each.name.replace("_", " ")
        if each.name != "writes" and value != each.default:
            parts.append(name if value is True else f"{name}: {_listed(value)}")
    return "; ".join(parts)


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _counterexamples(mutations: Iterable[Mutation]) -> str:
    return "\n\n".join(
        f"### {each.name}\n{each.why}\n```\n{results.of_mutation(each).counterexample}\n```"
        for each in mutations
    )


if __name__ == "__main__":
    DOCUMENT.write_text(with_findings(DOCUMENT.read_text()))
