"""The header of a video, read in a child process where that is asked for."""

from pathlib import Path

from heaters_pipeline.isolation.calls import Children, isolated
from heaters_pipeline.video.media.probe import VideoInfo, probe, shown_name


def probed(
    path: Path, video_stream: int | None = None, *, children: Children | None = None
) -> VideoInfo:
    """The same as ``probe``, which says what it raises; and what ``isolated`` raises.

    Args:
        path: The file.
        video_stream: As for ``probe``.
        children: Who reads it; a child of its own by default.
    """
    call = children.call if children else isolated
    return call(f"the header of {shown_name(path)} was read", probe, path, video_stream)
