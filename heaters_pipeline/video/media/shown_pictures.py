"""From a decoded frame to the picture that a person sees: the one way for sheets, stills and plots.

Cropped, of one field if it is interlaced, with square pixels, tone-mapped if it is HDR, turned and
mirrored, in this order. Two fields show two instants, between which what moves has combs.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av.video.frame

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.media.cropping import Cropping
from heaters_pipeline.video.media.ffmpeg_resources import shortage_raised
from heaters_pipeline.video.media.filter_graph import OneForOne, PictureFilter, source_arguments
from heaters_pipeline.video.media.frames import (
    Frame,
    FrameReader,
    Interpolation,
    video_stream,
)
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata, is_hdr
from heaters_pipeline.video.media.probe import VideoInfo, open_input, reading
from heaters_pipeline.video.media.tone_mapping import ToneMapper

# As an encoded clip has it, but with the colours of each pixel.
_TONE_MAPPED = "yuv444p"


class ShownPictures:
    """Makes pictures of the frames of one video, in the order in which they come."""

    def __init__(self, path: Path, info: VideoInfo) -> None:
        """Read from the header what of the pictures is shown.

        Args:
            path: The file.
            info: From ``probe``.
        Raises:
            SourceChangedError: The file is no longer the one that was probed.
            InvalidVideoError: It cannot be read.
            StoreUnavailableError: The disk failed.
        """
        self._path = path
        self._info = info
        with open_input(path) as container, reading(path):
            self._cropping = Cropping(video_stream(container, path, info))
        self._field = OneForOne()
        self._metadata: HdrMetadata | None = None
        self._tone_mappers: dict[tuple[str, int, int], ToneMapper] = {}

    def picture(self, frame: Frame, max_size_px: tuple[int, int]) -> Picture:
        """The picture as a person sees it: (height, width, 3) uint8 BGR.

        Args:
            frame: Of the video.
            max_size_px: Most pixels, ``(width, height)``; smaller videos are not enlarged.
        """
        with shortage_raised():
            cropped = replace(frame, decoded=self._cropping.shown(frame.decoded))
            size_px = self._stored_size(cropped, max_size_px)
            if cropped.decoded.interlaced_frame:
                cropped = replace(cropped, decoded=self._of_one_field(cropped.decoded, size_px[1]))
            if is_hdr(cropped.decoded):
                cropped = replace(cropped, decoded=self._tone_mapped(cropped, size_px))
            picture = cropped.picture(size_px, Interpolation.AREA)
        return frame.orientation.apply(picture)

    def _stored_size(self, frame: Frame, max_size_px: tuple[int, int]) -> tuple[int, int]:
        """Of the picture before it is turned, but with square pixels."""
        stored_width = frame.decoded.width * self._info.sample_aspect_ratio
        shown = (stored_width, Fraction(frame.decoded.height))
        if frame.orientation.transpose:
            shown = (shown[1], shown[0])
        scale = min(max_size_px[0] / shown[0], max_size_px[1] / shown[1], Fraction(1))
        return max(1, round(stored_width * scale)), max(1, round(frame.decoded.height * scale))

    def _of_one_field(
        self, decoded: av.video.frame.VideoFrame, height_px: int
    ) -> av.video.frame.VideoFrame:
        if 2 * height_px <= decoded.height:
            # What is scaled to half the height has no use for more. Of the fields that the filter
            # gives, the earlier one of this picture is the last: it holds the other one back.
            return self._field.filtered(decoded, "separatefields", "")
        # It takes a neighbour to tell what moves, so all is drawn between the lines of one field.
        interpolating = PictureFilter(decoded, "estdif", "mode=frame")
        interpolating.push(decoded)
        interpolating.push(None)
        return interpolating.pull() or decoded

    def _tone_mapped(self, frame: Frame, size_px: tuple[int, int]) -> av.video.frame.VideoFrame:
        # Few pixels are mapped much faster than many.
        small = frame.decoded.reformat(*size_px, interpolation=Interpolation.AREA, threads=1)
        if self._metadata is None:
            self._metadata = HdrMetadata.of(frame.decoded)
            if self._metadata == HdrMetadata():
                # In H.264 it stands at I-frames alone.
                first = next(iter(FrameReader(self._path, self._info)), frame)
                self._metadata = HdrMetadata.of(first.decoded)
        kind = (source_arguments(small), small.color_trc, small.color_primaries)
        mapper = self._tone_mappers.get(kind)
        if mapper is None:
            mapper = ToneMapper(small, self._metadata, _TONE_MAPPED, threads=1)
            self._tone_mappers[kind] = mapper
        return mapper.convert(small)
