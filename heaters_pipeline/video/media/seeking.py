"""Begin to read in the middle of a file, although seeks do not land where they were asked to.

Which packets are of use from there on is the caller's to say.
"""

from collections.abc import Iterator
from fractions import Fraction

import av.container
import av.error
import av.video.stream

from heaters_pipeline.video.media.pyav import Packet, packets_of

# In MPEG program streams a seek may land after the timestamp that was asked for, and elsewhere
# before an I-frame that is of no use: it is tried again from further back.
_SEEK_BACK_SECONDS = (0, 2, 15, 120)


def seeks_before(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    time_base: Fraction,
    pts: int,
) -> Iterator[None]:
    """Seek to a timestamp, and to an earlier one each time that the caller goes on.

    Ends after the furthest, and where the container cannot seek: then read it from the start.

    Args:
        container: The open file.
        stream: Whose timestamps are meant.
        time_base: Of the stream.
        pts: In its ticks.
    """
    for back_seconds in _SEEK_BACK_SECONDS:
        try:
            container.seek(pts - int(back_seconds / time_base), stream=stream)
        except av.error.FFmpegError:
            return
        yield


def packets_from_i_frame(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    time_base: Fraction,
    first_pts: int,
) -> Iterator[Packet]:
    """The packets of a stream from an I-frame on that is shown at or before ``first_pts``.

    An I-frame that is shown later can come before it in the file: the frames between them need
    the I-frame before that one. Nothing where no seek finds one.
    """
    for _ in seeks_before(container, stream, time_base, first_pts):
        packets = packets_of(container, stream)
        intra = next((packet for packet in packets if packet.is_keyframe), None)
        if intra is not None and intra.pts is not None and intra.pts <= first_pts:
            yield intra
            yield from packets
            return
