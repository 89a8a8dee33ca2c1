"""Verify a clip of copied and encoded frames: each part against the source, its start decoded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import av.video.codeccontext
import av.video.frame

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.check import check_clip, clip_errors, is_same, pictures_of
from heaters_pipeline.video.clips.luma_quality import QualityWatch, TooFarError, psnr_of_pictures
from heaters_pipeline.video.clips.packet_digest import PacketSum
from heaters_pipeline.video.clips.record import ClipFacts
from heaters_pipeline.video.clips.splice_plan import SplicePlan
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.probe import open_input
from heaters_pipeline.video.media.pyav import Packet, packets_of
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.media.video_streams import wanted_stream


@dataclass(frozen=True, slots=True)
class Expected:
    """What of the source a clip has to hold.

    Attributes:
        copied: The packets that were copied.
        copied_digest: ``Frame.digest`` of the first of their pictures; None where there are none.
        first_encoded: The first frame of each encoded part, in order.
        least_db: The PSNR that the luma of each encoded frame has at least.
    """

    copied: PacketSum
    copied_digest: int | None
    first_encoded: Sequence[Frame]
    least_db: float


def check_splice(path: Path, timeline: Timeline, plan: SplicePlan, expected: Expected) -> ClipFacts:
    """Require that a clip shows exactly its span and hides nothing, and that its parts are right.

    Of each part the first picture is decoded, at which other parameter sets come into force.

    Raises:
        ClipError: It is not so.
    """
    facts = check_clip(path, timeline, plan.span)
    if facts.hidden_frames:
        raise ClipError(f"the clip hides {facts.hidden_frames} frames")
    starts = {part.start - plan.span.start: part for part in plan.parts}
    encoded = iter(expected.first_encoded)
    with clip_errors(path), open_input(path) as container:
        stream = wanted_stream(container)
        stream.codec_context.thread_count = 1
        found = PacketSum(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
        is_copied = False
        for place, packet in enumerate(packets_of(container, stream)):
            if part := starts.get(place):
                is_copied = part == plan.copied_span
                picture = _picture_of(stream.codec_context, packet)
                if not is_copied:
                    _require_close(picture, next(encoded), expected.least_db)
                elif Frame(0, 0, 1, picture).digest != expected.copied_digest:
                    raise ClipError("the first copied picture of the clip is not the source's")
            if is_copied:
                found.add(packet)
    if found != expected.copied:
        raise ClipError("the clip's copied packets are not the source's")
    return facts


def check_all_pictures(
    path: Path, frames: Iterator[Frame], span: Span, copied: Span | None, least_db: float
) -> None:
    """Decode all of a clip, and hold copied frames to the source bit for bit, others to their PSNR.

    Args:
        path: The clip.
        frames: Of the source, those of the span.
        span: Frames that the clip has to show.
        copied: Those of them that are copied.
        least_db: The PSNR that the luma of each other one has at least.
    Raises:
        ClipError: It shows something else, or damage.
        InvalidVideoError: The source cannot be read any more.
        SourceChangedError: It is no longer what it was.
    """
    watch = QualityWatch(len(span) - (len(copied) if copied else 0), least_db)
    for offset, (picture, frame) in enumerate(zip_longest(pictures_of(path, 1), frames)):
        if picture is None:
            raise ClipError(f"the clip ends before its frame {offset}")
        if frame is None:
            raise ClipError(f"the clip shows more than {len(span)} frames")
        if picture.is_corrupt and not frame.decoded.is_corrupt:
            raise ClipError(f"frame {offset} of the clip is damaged")
        if copied is None or not copied.start <= frame.index < copied.end:
            # HEVC has no pictures of two fields; they were made whole.
            if picture.interlaced_frame or not frame.decoded.interlaced_frame:
                watch.add(psnr_of_pictures(picture, frame.decoded))
        elif not is_same(picture, frame.decoded):
            raise ClipError(f"frame {offset} of the clip is not the source's picture")


def _picture_of(
    context: av.video.codeccontext.VideoCodecContext, packet: Packet
) -> av.video.frame.VideoFrame:
    """The picture of a packet at which decoding can begin, which is shown first."""
    pictures = [*context.decode(packet), *context.decode(None)]
    context.flush_buffers()
    if not pictures or pictures[0].is_corrupt:
        raise ClipError("a part of the clip cannot be decoded from its start")
    return pictures[0]


def _require_close(picture: av.video.frame.VideoFrame, frame: Frame, least_db: float) -> None:
    found_db = psnr_of_pictures(picture, frame.decoded)
    if found_db < least_db:
        raise TooFarError(
            f"the clip's picture of frame {frame.index} has a PSNR of {found_db:.1f} dB, "
            f"{least_db:g} dB are asked for",
            least_db - found_db,
        )
