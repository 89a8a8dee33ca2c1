"""FFmpeg's filters for decoded pictures.

One filter and pictures of one kind; the graph of several that maps HDR is ``tone_mapping``'s own.
"""

from typing import cast

import av.error
import av.video.frame
from av.filter import Graph


def source_arguments(decoded: av.video.frame.VideoFrame) -> str:
    """Describe a picture for the filter ``buffer``; equal texts are the same kind of picture.

    The time base is a second, for filters that only need to know the order.
    """
    return (
        f"video_size={decoded.width}x{decoded.height}:pix_fmt={decoded.format.name}:time_base=1/1"
        f":colorspace={int(decoded.colorspace)}:range={int(decoded.color_range)}"
    )


class PictureFilter:
    """One filter, for pictures of one kind."""

    def __init__(
        self, first: av.video.frame.VideoFrame, name: str, arguments: str, *, threads: int = 1
    ) -> None:
        """Prepare for pictures like ``first``.

        Args:
            first: Says what kind they are.
            name: FFmpeg's name of the filter.
            arguments: Of the filter, such as ``mode=frame``.
            threads: How many it may use; 0 for as many as there are cores.
        """
        # Kept, because its filters do not keep it alive.
        self._graph = Graph()
        self._graph.threads = threads
        self._input = self._graph.add("buffer", source_arguments(first))
        self._output = self._graph.add("buffersink")
        wanted = self._graph.add(name, arguments)
        self._graph.link_nodes(self._input, wanted, self._output).configure()

    def push(self, picture: av.video.frame.VideoFrame | None) -> None:
        """Give a picture, or None after the last one."""
        self._input.push(picture)

    def pull(self) -> av.video.frame.VideoFrame | None:
        """Take a picture, None if there is none or none yet."""
        try:
            return cast("av.video.frame.VideoFrame", self._output.pull())
        except (av.error.BlockingIOError, av.error.EOFError):
            return None


class OneForOne:
    """A filter of which the last picture that it gives is for the one that it was given.

    It is set up again where pictures change.
    """

    def __init__(self) -> None:
        self._filter: tuple[str, PictureFilter] | None = None

    def filtered(
        self, decoded: av.video.frame.VideoFrame, name: str, arguments: str
    ) -> av.video.frame.VideoFrame:
        """What the filter makes of a picture.

        Args:
            decoded: The picture.
            name: FFmpeg's name of the filter, the same each time.
            arguments: Of the filter.
        """
        kind = source_arguments(decoded)
        if self._filter is None or self._filter[0] != kind:
            self._filter = kind, PictureFilter(decoded, name, arguments)
        self._filter[1].push(decoded)
        last = decoded
        while (pulled := self._filter[1].pull()) is not None:
            last = pulled
        return last
