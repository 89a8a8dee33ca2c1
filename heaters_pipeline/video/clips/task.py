"""What making one clip needs, however it is made.

Handed to those who write its streams: video, sound, subtitles.
"""

from dataclasses import dataclass

from heaters_pipeline.video.clips.mp4_writer import ClipWriter
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.subtitles import SourceSubtitles
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.sound_times import SourceSound
from heaters_pipeline.video.media.timing import Span, Timeline, Window


@dataclass(frozen=True, slots=True)
class ClipTask:
    """One clip that is to be written.

    Attributes:
        reader: The open source.
        timeline: Of the source.
        span: Frames of the source that the clip shows.
        writer: Takes the clip's packets.
        settings: How clips are made.
        subtitles: Of the source.
        sound: Of the source.
    """

    reader: SourceReader
    timeline: Timeline
    span: Span
    writer: ClipWriter
    settings: ClipSettings
    subtitles: SourceSubtitles
    sound: SourceSound

    @property
    def start_pts(self) -> int:
        """When the first frame is shown, in ticks of the source."""
        return self.timeline.pts[self.span.start]

    @property
    def end_pts(self) -> int:
        """When the last frame ends, in ticks of the source."""
        return self.timeline.boundary_pts(self.span.end)

    @property
    def window(self) -> Window:
        """What the clip shows, on the source's clock."""
        return self.timeline.window_of(self.span)
