"""The header of a video, read in a child process where that is asked for."""

from pathlib import Path

from heaters_pipeline.isolation.calls import isolated
from heaters_pipeline.video.media.probe import VideoInfo, probe, shown_name


def probed(path: Path, video_stream: int | None = None) -> VideoInfo:
    """The same as ``probe``, which says what it raises; and what ``isolated`` raises."""
    return isolated(f"the header of {shown_name(path)} was read", probe, path, video_stream)
