"""The packets of a source, from any instant on, as often as clips need them."""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import av
import av.container
import av.error
import av.stream
import av.video.stream

from heaters_pipeline.video.probe import VideoInfo, open_input

Packet: TypeAlias = "av.Packet[av.stream.Stream]"

# In MPEG program streams a seek lands after the instant that was asked for, so one that failed
# is tried again from further back, and at last everything is read from the start.
_SEEK_BACK_SECONDS = (Fraction(0), Fraction(2), Fraction(10), Fraction(60))


class SourceReader:
    """An open source. Opening is the dear part of a short clip, so it is done once for many.

    For one thread at a time.
    """

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self.path = path
        self.info = info
        self._opened = ExitStack()
        self._container: av.container.InputContainer | None = None

    def __enter__(self) -> "SourceReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()
        self._container = None

    @property
    def container(self) -> av.container.InputContainer:
        """The open file; another one after ``packets_from`` had to begin again."""
        if self._container is None:
            self._container = self._opened.enter_context(open_input(self.path))
        return self._container

    @property
    def video(self) -> av.video.stream.VideoStream:
        """The wanted video stream of ``container``."""
        index = self.info.stream_index
        return next(stream for stream in self.container.streams.video if stream.index == index)

    def packets_from(self, pts: int) -> Iterator[Packet]:
        """All packets of all streams, from a place where the video has not passed ``pts``.

        Nothing that is needed to show the video's instant ``pts`` needs to come first: callers
        ask from further back until they find it.

        Args:
            pts: In ticks of the video stream. Before the first packet it means the start.
        """
        for back_seconds in _SEEK_BACK_SECONDS:
            try:
                self.container.seek(
                    pts - int(back_seconds / self.info.time_base), stream=self.video
                )
            except av.error.FFmpegError:
                break
            packets = self._packets()
            passed, landed = self._up_to_video(packets)
            if landed is not None and landed <= pts:
                return chain(passed, packets)
        self._opened.close()
        self._container = None
        return self._packets()

    def _packets(self) -> Iterator[Packet]:
        # The last packets of PyAV are empty ones that flush decoders.
        return (packet for packet in self.container.demux() if packet.size)

    def _up_to_video(self, packets: Iterator[Packet]) -> tuple[list[Packet], int | None]:
        """The packets up to the first of the video that has a stamp, and that stamp."""
        passed = []
        for packet in packets:
            passed.append(packet)
            if packet.stream_index == self.info.stream_index:
                stamp = packet.pts if packet.dts is None else packet.dts
                if stamp is not None:
                    return passed, stamp
        return passed, None
