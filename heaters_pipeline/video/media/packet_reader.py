"""The packets of a source, from any instant on, as often as clips need them."""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType

import av.container
import av.error
import av.video.stream

from heaters_pipeline.errors import SourceChangedError
from heaters_pipeline.video.media.integrity import Packet
from heaters_pipeline.video.media.probe import VideoInfo, open_input, reading, shown_name

# In MPEG program streams a seek lands after the instant that was asked for, so one that failed
# is tried again from further back, and at last everything is read from the start.
_SEEK_BACK_SECONDS = (Fraction(0), Fraction(2), Fraction(10), Fraction(60))


class SourceReader:
    """An open source. Opening is the dear part of a short clip, so it is done once for many.

    For one thread at a time.

    Raises (wherever it reads):
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
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
        """The open file; another one once packets had to be read from the start."""
        if self._container is None:
            self._container = self._opened.enter_context(open_input(self.path))
            if self.path.stat().st_size != self.info.size_bytes:
                raise SourceChangedError(
                    f"{shown_name(self.path)} is no longer the file that was probed; "
                    "it was replaced while it was processed"
                )
        return self._container

    @property
    def video(self) -> av.video.stream.VideoStream:
        """The wanted video stream of ``container``."""
        index = self.info.stream_index
        return next(stream for stream in self.container.streams.video if stream.index == index)

    def packets_from(self, pts: int) -> Iterator[Packet]:
        """All packets of all streams, from a place where the video has not passed ``pts``.

        Nothing says that a frame shown at ``pts`` can be decoded from there: who needs that asks
        from further back until it is so.

        Args:
            pts: In ticks of the video stream; not before its first frame.
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
        return self.packets_from_start()

    def packets_from_start(self) -> Iterator[Packet]:
        """All packets of all streams."""
        # A seek to the first instant may land after the first packet.
        self._opened.close()
        self._container = None
        # Opened at once, so that streams of the file that was closed are not used any more.
        _ = self.container
        return self._packets()

    def _packets(self) -> Iterator[Packet]:
        container = self.container
        try:
            with reading(self.path):
                for packet in container.demux():
                    # The last ones of PyAV are empty and flush decoders.
                    if packet.size:
                        yield packet
        except IndexError:
            # PyAV 18 trips over a stream that shows up late, once it has given all packets.
            return

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
