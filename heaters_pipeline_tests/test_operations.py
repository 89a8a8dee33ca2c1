"""What operators read and load names all that there is, and nothing else."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.exceptions import Exit, NoArgsIsHelpError

from heaters_pipeline.cli import main
from heaters_pipeline.errors import HeatersError, InvalidVideoError

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ROWS = [line.split("|")[1:-1] for line in OPERATIONS.splitlines() if line.startswith("|")]
METRICS = set(re.findall(r"`(heaters_[a-z_]+)`", (ROOT / "docs" / "metrics.md").read_text()))


def sources() -> Iterator[str]:
    for path in (ROOT / "heaters_pipeline").rglob("*.py"):
        yield path.read_text()


def kinds_of(error: type[HeatersError]) -> Iterator[str]:
    for kind in error.__subclasses__():
        # Those of a single module end there, or are told as the kind above them.
        if kind is not InvalidVideoError and kind.__module__ == HeatersError.__module__:
            yield kind("").kind
            yield from kinds_of(kind)


def named() -> set[str]:
    """All that stands in the first column of a table."""
    return {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[0])}


def test_each_variable_of_the_environment_is_explained() -> None:
    read = {name for text in sources() for name in re.findall(r"\"(HEATERS_[A-Z_]+)\"", text)}
    assert read <= named()


def test_each_kind_of_error_says_what_to_do() -> None:
    reasons = {
        reason
        for text in sources()
        for reason in re.findall(r"InvalidVideoError\(\s*\"([a-z_]+)\"", text)
    }
    assert {*kinds_of(HeatersError), *reasons} <= named()


def typed_commands() -> Iterator[str]:
    """What documents tell readers to type, without comments and what the shell takes from it."""
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md")):
        text = path.read_text()
        for command in (
            *re.findall(r"`(heaters\s[^`]+)`", text),
            *re.findall(r"^(heaters .+)$", text, re.MULTILINE),
        ):
            if not re.search(r"[…\[<]", command):
                yield re.split(r"\s[#>]", command)[0]


@pytest.mark.parametrize("command", sorted(set(typed_commands())))
def test_the_commands_of_the_documents_are_there(command: str) -> None:
    found: click.Command = main
    # With the group's own settings: commands remember the help options that they were first given.
    context = click.Context(main, info_name="heaters", **main.context_settings)
    arguments = shlex.split(command)[1:]
    while isinstance(found, click.Group) and arguments and arguments[0] != "--help":
        name, *arguments = arguments
        inner = found.get_command(context, name)
        assert inner is not None, name
        found = inner
    # Arguments that are left out, and files that are not there, are the reader's.
    with suppress(click.BadParameter, click.BadOptionUsage, NoArgsIsHelpError, Exit):
        made = found.make_context(found.name, arguments, parent=context)
        assert all("=" in value for value in made.params.get("values", ()))


def expressions(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "expr":
                yield value
            else:
                yield from expressions(value)
    elif isinstance(document, list):
        for value in document:
            yield from expressions(value)


@pytest.mark.parametrize("name", ["grafana.json", "alerts.yaml"])
def test_what_is_drawn_and_watched_is_counted(name: str) -> None:
    text = (ROOT / "deploy" / name).read_text()
    document = json.loads(text) if name.endswith("json") else yaml.safe_load(text)
    found = list(expressions(document))
    assert len(found) >= 4
    for expression in found:
        metrics = set(re.findall(r"heaters_[a-z_]+", expression))
        assert metrics
        assert {re.sub("_(sum|count)$", "", metric) for metric in metrics} <= METRICS


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads((ROOT / "deploy" / "grafana.json").read_text())["panels"]
    places = [panel["gridPos"] for panel in panels]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23
