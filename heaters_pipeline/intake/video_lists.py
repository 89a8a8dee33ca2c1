"""Lists of videos in files: a line a video, or a table with titles and tags."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.intake.wanted import WantedVideo, matching

PLACES = ("path", "link")
"""The columns of a table that may name the video of a row."""
TAG_SEPARATOR = ";"
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_list(path: Path) -> list[WantedVideo]:
    """The videos that a list names, in its order.

    ``.csv`` and ``.tsv`` are tables with a header: ``path`` or ``link``, and where they are known
    ``title`` and ``tags``. Any other file has a line a video. A file is looked for beside the list
    first, and then where the command was typed.

    Raises:
        SettingsError: It cannot be read, or a row of it names no video.
    """
    try:
        if path.suffix.lower() in _SEPARATORS:
            return list(_rows(path))
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SettingsError(f"{path} is no list of videos: {error}") from error
    texts = (line.strip() for line in lines)
    return [WantedVideo(_beside(path, text)) for text in texts if text and not text.startswith("#")]


def _rows(path: Path) -> Iterator[WantedVideo]:
    table = pd.read_csv(
        path,
        sep=_SEPARATORS[path.suffix.lower()],
        dtype=str,
        keep_default_na=False,
        encoding="utf-8-sig",
        skip_blank_lines=False,
    ).fillna("")
    table.columns = [str(name).strip().lower() for name in table.columns]
    if not table.columns.isin(PLACES).any():
        raise SettingsError(
            f"{path} has no column {' or '.join(PLACES)}; name the columns in its first line"
        )
    for number, row in enumerate(table.to_dict("records"), 2):
        cells = {str(name): str(cell).strip() for name, cell in row.items()}
        if any(cells.values()):
            yield _wanted(path, number, cells)


def _wanted(path: Path, number: int, cells: Mapping[str, str]) -> WantedVideo:
    named = [cells[place] for place in PLACES if cells.get(place)]
    if len(named) != 1:
        said = "more than one" if named else "no"
        raise SettingsError(f"line {number} of {path} names {said} video; give a path or a link")
    tags = [tag.strip() for tag in cells.get("tags", "").split(TAG_SEPARATOR)]
    return WantedVideo(
        _beside(path, named[0]),
        title=cells.get("title") or None,
        tags=tuple(dict.fromkeys(filter(None, tags))) or None,
    )


def _beside(path: Path, text: str) -> str:
    """What a list names: what lies beside it, if anything does, or else as if it was typed."""
    beside = path.absolute().parent / text
    exists = os.path.lexists(beside) or bool(matching(beside))
    return str(beside) if exists and "://" not in text else text
