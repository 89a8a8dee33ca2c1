"""Options that several commands of ``heaters`` share, and how its help shows them.

Declared without the libraries that do the work, so that help and refusals come at once.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO, TypeVar, get_args, get_origin

import click

from heaters_pipeline.cli.given_settings import GivenSettings
from heaters_pipeline.cli.terminal import print_json
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.settings import SETTINGS, Setting

Result = TypeVar("Result")

FIRST = "Most used options"
_LAST = "Other options"
_HEADINGS = (FIRST, "Detection", "Scenes", "Clips and key frames", "Encoding of clips")
_TYPES: dict[Any, click.ParamType[Any]] = {
    int: click.INT,
    float: click.FLOAT,
    float | None: click.FLOAT,
    int | None: click.INT,
    list[str]: click.STRING,
}


class HeadedOption(click.Option):
    """An option that the help shows under a heading."""

    def __init__(self, *args: Any, heading: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


class Command(click.Command):
    """A command whose help shows its options by heading, and no line of it cut."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first sentence of the help, whole."""
        return super().get_short_help_str(limit=10_000)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            shown = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if shown is not None:
                sections.setdefault(getattr(parameter, "heading", ""), []).append(shown)
        others = sections.pop("", [])
        sections[_LAST if sections else "Options"] = others
        for heading, options in sections.items():
            with formatter.section(heading):
                formatter.write_dl(options)


def settings_options(*assets: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Give a command the settings of some assets as options, and ``--config``.

    The command gets them as one argument, ``given``: the ``GivenSettings``.
    """
    offered = {
        _parameter(asset, one): (asset, one)
        for asset in assets
        for one in SETTINGS[asset]
        if one.option
    }

    def decorate(command: Callable[..., Result]) -> Callable[..., Result]:
        @functools.wraps(command)
        def with_settings(config_file: Path | None, **options: Any) -> Result:
            typed: dict[str, dict[str, Any]] = {}
            for parameter, (asset, one) in offered.items():
                value = options.pop(parameter)
                if value not in (None, ()):
                    several = isinstance(value, tuple)
                    typed.setdefault(asset, {})[one.field] = list(value) if several else value
            return command(**options, given=GivenSettings.of(typed, config_file))

        declared = [_option(asset, one) for asset, one in offered.values()]
        # The help keeps the order of the headings; those without one stand first.
        declared.sort(key=lambda option: _HEADINGS.index(option[0]))
        decorated: Callable[..., Result] = with_settings
        for _, option in reversed([(FIRST, _CONFIG), *declared]):
            decorated = option(decorated)
        return decorated

    return decorate


def _parameter(asset: str, one: Setting) -> str:
    return f"{asset}_{one.field}"


def _option(asset: str, one: Setting) -> tuple[str, Callable[..., Any]]:
    choices = one.choices or (get_args(one.kind) if get_origin(one.kind) is Literal else ())
    default = f"{one.default:g}" if isinstance(one.default, float) else one.default
    heading = one.heading or FIRST
    option = click.option(
        one.option,
        _parameter(asset, one),
        cls=HeadedOption,
        heading=heading,
        type=click.Choice(choices) if choices else _TYPES[one.kind],
        multiple=one.kind == list[str],
        metavar=one.metavar or None,
        help=f"{_with_options(one.description)} Default: {one.default_meaning or default}.",
    )
    return heading, option


def _with_options(description: str) -> str:
    """Name other settings as they are typed."""
    for known in SETTINGS.values():
        for one in known:
            if one.option and "_" in one.field:
                description = description.replace(one.field, one.option)
    return description


def _new_file(
    suffix: str,
) -> Callable[[click.Context, click.Parameter, Path | None], Path | None]:
    def refuse_early(
        context: click.Context, parameter: click.Parameter, value: Path | None
    ) -> Path | None:
        """Refuse a file that could not be written before the work for it is done."""
        if value is None:
            return None
        if value.suffix.lower() != suffix:
            raise click.BadParameter(f"{value} must end with {suffix}", context, parameter)
        if not value.absolute().parent.is_dir():
            raise click.BadParameter(f"{value.parent} is no folder", context, parameter)
        return value

    return refuse_early


def _output(option: str, suffix: str, help_text: str) -> Callable[..., Any]:
    return click.option(
        option,
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        metavar=f"FILE{suffix}",
        callback=_new_file(suffix),
        help=help_text,
    )


_CONFIG = click.option(
    "--config",
    "config_file",
    cls=HeadedOption,
    heading=FIRST,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.yaml",
    help="Take the settings from this file, which the launchpad of the Dagster UI takes, too; "
    "options that are typed win over it. heaters config prints one with all settings.",
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
LABELS = click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What is true, by file name, as .json or .csv; docs/formats.md describes both.",
)
REVIEWED = click.option(
    "--reviewed",
    is_flag=True,
    help="Take as true what people reviewed: the scenes of videos of which no clip waits.",
)
FROM_LIST = click.option(
    "--from-list",
    "list_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Take the videos of this list, too: a line a video, or a .csv with a header: path or "
    "link, and where you like title and tags (tags apart by ;).",
)
PLOT = _output("--plot", ".png", "Draw a picture of it into this file.")
CSV = _output("--csv", ".csv", "Write the table into this file, too.")


def save_plot(path: Path, png: bytes) -> None:
    """Write a picture, and say so.

    Raises:
        SettingsError: It cannot be written there.
    """
    _save(path, png)
    click.echo(f"The picture is in {path}", err=True)


def save_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table, and say so.

    Args:
        path: The file.
        rows: Of JSON; what is itself a list or an object is left out.

    Raises:
        SettingsError: It cannot be written there.
    """
    import pandas as pd

    frame = pd.DataFrame(rows, dtype=object)
    plain = [name for name in frame if not frame[name].map(pd.api.types.is_list_like).any()]
    _save(path, frame[plain].to_csv(index=False).encode())
    click.echo(f"The table is in {path}", err=True)


def show_result(
    document: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    lines: Iterable[str],
    csv: Path | None,
    stdout: TextIO | None,
) -> None:
    """Show what a command found.

    Args:
        document: All of it, for ``--json``.
        rows: Of ``document``, for ``--csv``.
        lines: The same for people.
        csv: The file for the table, or None.
        stdout: The stream for the document; None if people read.
    """
    if csv:
        save_csv(csv, rows)
    if stdout:
        print_json(document, stdout)
        return
    # At once: each call flushes, which takes as long as all of the rest for a list of 50,000.
    click.echo("".join(f"{line}\n" for line in lines), nl=False)


def _save(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}; name another file") from error
