"""The packets of a source, from any timestamp on, as often as clips need them.

For who copies packets or follows sound: all streams of the file. Pictures come from ``frames``.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType

import av.container
import av.video.stream

from heaters_pipeline.video.media.probe import VideoInfo, open_input, reading, source_changed
from heaters_pipeline.video.media.pyav import Packet, packets_of
from heaters_pipeline.video.media.seeking import seeks_before
from heaters_pipeline.video.media.steady_clock import SteadyClock


class SourceReader:
    """An open source. Opening is the expensive part of a short clip, so it is done once for many.

    For one thread at a time.

    Attributes:
        path: The file.
        info: From ``probe``.
        clock: By which packets that were read from the start were moved.

    Raises (wherever it reads):
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
    """

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self.path = path
        self.info = info
        self.clock = SteadyClock(info)
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
                raise source_changed(self.path)
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
        for _ in seeks_before(self.container, self.video, self.info.time_base, pts):
            packets = self._packets()
            passed, landed = self._up_to_video(packets)
            if landed is not None and landed <= pts:
                return chain(passed, packets)
        return self.packets_from_start()

    def packets_from_start(self) -> Iterator[Packet]:
        """All packets of all streams, on a clock that does not jump (``steady_clock``)."""
        # A seek to the first timestamp may land after the first packet.
        self._opened.close()
        self._container = None
        # Opened at once, so that streams of the file that was closed are not used any more.
        _ = self.container
        self.clock = SteadyClock(self.info)
        return self._steady(self.clock)

    def _steady(self, clock: SteadyClock) -> Iterator[Packet]:
        for packet in self._packets():
            if clock.mend(packet):
                yield packet

    def _packets(self) -> Iterator[Packet]:
        container = self.container
        with reading(self.path):
            yield from packets_of(container)

    def _up_to_video(self, packets: Iterator[Packet]) -> tuple[list[Packet], int | None]:
        """The packets up to the first of the video with a timestamp, and its DTS, or else PTS."""
        passed = []
        for packet in packets:
            passed.append(packet)
            if packet.stream_index == self.info.stream_index:
                landed = packet.pts if packet.dts is None else packet.dts
                if landed is not None:
                    return passed, landed
        return passed, None
