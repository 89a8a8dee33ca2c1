"""Which videos a user means: files, links, whole folders, patterns, and what a list names."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.intake.picture_sequences import sequence_refusal
from heaters_pipeline.intake.sources import LocalFile, classify, has_video_name


@dataclass(frozen=True, slots=True)
class WantedVideo:
    """A video that somebody wants, as far as what was typed tells.

    Attributes:
        text: For ``classify``; of files the absolute path.
        title: What it is to be called; None for what it is called already.
        tags: What people sort it by; None for those that it has already.
        refusal: Why it is none, for people; None if nothing speaks against it yet.
    """

    text: str
    title: str | None = None
    tags: tuple[str, ...] | None = None
    refusal: str | None = None


def each_video(wanted: Iterable[WantedVideo]) -> list[WantedVideo]:
    """Folders and patterns become the videos that they hold, each video once.

    Of folders, whole and with all that is in them, and of patterns, that is what is a video by its
    name and is not hidden.

    Args:
        wanted: As it was typed, or stands in a list.
    """
    found: dict[str, WantedVideo] = {}
    for one in wanted:
        for video in _videos_of(one):
            found.setdefault(video.text, video)
    return list(found.values())


def _videos_of(wanted: WantedVideo) -> list[WantedVideo]:
    try:
        paths = _held_by(wanted.text)
        meant = classify(wanted.text) if paths is None else None
    except SettingsError as error:
        return [replace(wanted, refusal=str(error))]
    if not paths and (why := sequence_refusal(wanted.text)):
        return [replace(wanted, refusal=why)]
    if paths is None:
        text = str(meant.path) if isinstance(meant, LocalFile) else wanted.text
        return [replace(wanted, text=text)]
    if not paths:
        return [replace(wanted, refusal=f"{wanted.text} holds no video by name; {_NAMES}")]
    if wanted.title is not None and len(paths) > 1:
        why = f"{wanted.text} holds {len(paths)} videos, which cannot share a title"
        return [replace(wanted, refusal=f"{why}; give each a row of its own")]
    return [replace(wanted, text=str(path)) for path in paths]


_NAMES = "files that are not called .mp4, .mov, .mkv or the like are brought in by their own names"


def _held_by(text: str) -> list[Path] | None:
    """The videos in a folder or of a pattern; None if it is neither.

    Raises:
        SettingsError: Nothing matches the pattern.
    """
    path = Path(text).expanduser() if text.strip() and "\0" not in text else None
    if path is None or "://" in text:
        return None
    if path.is_dir():
        return list(_in_folder(path.absolute()))
    if os.path.lexists(path) or not glob.has_magic(text):
        return None
    matches = [match.absolute() for match in matching(path)]
    if not matches:
        raise SettingsError(f"no file matches {text}; check the pattern")
    return [
        video
        for match in matches
        for video in (_in_folder(match) if match.is_dir() else _by_name([match]))
    ]


def matching(pattern: Path) -> list[Path]:
    """The files and folders of a pattern, in order; none if it is no pattern."""
    if not glob.has_magic(str(pattern)):
        return []
    # Path.glob takes no absolute patterns.
    return sorted(map(Path, glob.glob(str(pattern), recursive=True)))  # noqa: PTH207


def _in_folder(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from _by_name(Path(place) / name for name in sorted(names))


def _by_name(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if has_video_name(path.name) and path.is_file())
