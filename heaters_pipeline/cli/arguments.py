"""Which videos the arguments of a command mean."""

from pathlib import Path

import click

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.intake.sources import LocalFile, classify
from heaters_pipeline.intake.wanted import WantedVideo, each_video
from heaters_pipeline.storage import keys


def possible_ids(video: str) -> list[str]:
    """The partitions that a person may mean: an id, a key under source_videos/, or a file."""
    named = [keys.video_id_of(key) for key in _possible_keys(video)]
    # No id has a slash.
    return named if "/" in video else [video, *named]


def possible_sources(video: str) -> dict[str, str | None]:
    """The same with the keys of their sources; None where an id does not tell that."""
    named = {keys.video_id_of(key): key for key in _possible_keys(video)}
    return {each: named.get(each) or keys.guess_source_key(each) for each in possible_ids(video)}


def _possible_keys(video: str) -> list[str]:
    if video.startswith(keys.SOURCE_PREFIX) and video != keys.SOURCE_PREFIX:
        return [video]
    file = LocalFile(Path(_absolute(video)))
    return [file.source_key, file.source_key_apart]


def ids_to_remove(video: str) -> list[str]:
    """The same, with that of a file's own name last: another video may have that name."""
    ids = possible_ids(video)
    return [*ids[:-2], *reversed(ids[-2:])]


def wanted_videos(videos: tuple[str, ...], list_file: Path | None) -> list[WantedVideo]:
    """The videos that were typed and those of a list, as they are called from every folder."""
    listed: list[WantedVideo] = []
    if list_file is not None:
        # It takes pandas.
        from heaters_pipeline.intake.video_lists import read_list

        listed = read_list(list_file)
    elif not videos:
        raise click.UsageError(
            "Missing argument 'VIDEO...': give a video, or a list of them with --from-list"
        )
    if not (wanted := each_video([*map(WantedVideo, videos), *listed])):
        raise SettingsError(f"{list_file} names no video")
    return wanted


def _absolute(video: str) -> str:
    """A file's absolute path, so that it means the same from every folder; others unchanged."""
    try:
        wanted = classify(video)
    except SettingsError:
        # Said for this video alone, when its turn comes.
        return video
    return str(wanted.path) if isinstance(wanted, LocalFile) else video
