"""HDR pictures become 8-bit BT.709, by a table of colours that FFmpeg looks up.

The colours themselves are ``tone_curve``'s.
"""

from functools import lru_cache
from typing import cast

import av.video.frame
import av.video.reformatter
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext

from heaters_pipeline.video.arrays import Float32Array
from heaters_pipeline.video.media.filter_graph import source_arguments
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.tone_curve import HLG_PEAK_NITS, HdrColours, Primaries, sdr_of

_USUAL_PEAK_NITS = 1000

# The table has 64 steps of each colour, as the square picture that FFmpeg calls a Hald CLUT.
_STEPS = 64
_SIDE_PX = 512
# Of 16-bit planes, haldclut mixes up the channels.
_RGB = "gbrpf32le"

_Trc = av.video.reformatter.ColorTrc
_PRIMARIES: dict[int, Primaries] = {1: "bt709", 9: "bt2020", 12: "p3"}
# By FFmpeg's numbers; what is not named is taken for the matrix that belongs to HDR.
_MATRICES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m"}
_FULL_RANGE = 2


def hdr_colours(decoded: av.video.frame.VideoFrame, metadata: HdrMetadata) -> HdrColours:
    """How an HDR picture stores its colours; what it does not say is what is usual."""
    primaries = _PRIMARIES.get(decoded.color_primaries, "bt2020")
    if decoded.color_trc == _Trc.ARIB_STD_B67:
        return HdrColours("hlg", primaries, HLG_PEAK_NITS)
    peak_nits = float(metadata.mastering_display.max_nits) if metadata.mastering_display else 0.0
    if not peak_nits and metadata.content_light:
        peak_nits = float(metadata.content_light.max_cll_nits)
    return HdrColours("pq", primaries, peak_nits or _USUAL_PEAK_NITS)


class ToneMapper:
    """Turns the HDR pictures of one clip into pictures of BT.709 with 8 bits.

    All are treated like the first, since a clip has one kind of colours.
    """

    def __init__(
        self,
        first: av.video.frame.VideoFrame,
        metadata: HdrMetadata,
        pixel_format: str,
        threads: int,
    ) -> None:
        """Prepare for pictures like ``first``.

        Args:
            first: Says how colours are stored.
            metadata: Of the video.
            pixel_format: FFmpeg's name of what they become.
            threads: How many the filters may use; 0 for as many as there are cores.
        """
        self._table = _table(hdr_colours(first, metadata))
        self._pixel_format = pixel_format
        self._size_px = (first.width, first.height)
        self._threads = threads
        self._source = ""
        self._pushed = 0
        # Its filters do not keep it alive.
        self._graph: Graph
        self._input: FilterContext
        self._output: FilterContext

    def convert(self, decoded: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        """The picture as a BT.709 screen can show it, tagged as such."""
        source = source_arguments(decoded)
        if source != self._source:
            self._open(decoded, source)
        # The table is matched by timestamps, and those of the source may be missing.
        decoded.pts = self._pushed
        self._pushed += 1
        self._input.push(decoded)
        return cast("av.video.frame.VideoFrame", self._output.pull())

    def _open(self, decoded: av.video.frame.VideoFrame, source: str) -> None:
        width_px, height_px = self._size_px
        matrix = _MATRICES.get(decoded.colorspace, "bt2020")
        colour_range = "pc" if decoded.color_range == _FULL_RANGE else "tv"
        stored = "" if decoded.format.is_rgb else f":in_color_matrix={matrix}"
        graph = self._graph = Graph()
        graph.threads = self._threads
        self._source = source
        self._input = graph.add("buffer", source)
        table = graph.add(
            "buffer",
            f"video_size={_SIDE_PX}x{_SIDE_PX}:pix_fmt={_RGB}:time_base=1/1:colorspace=gbr:range=pc",
        )
        to_rgb = graph.add(
            "scale",
            f"{width_px}:{height_px}:interl=-1:in_range={colour_range}:out_range=pc{stored}",
        )
        rgb = graph.add("format", _RGB)
        look_up = graph.add("haldclut", "clut=first:interp=tetrahedral")
        tags = graph.add("setparams", "color_primaries=bt709:color_trc=bt709")
        to_yuv = graph.add("scale", "interl=-1:out_color_matrix=bt709:out_range=tv")
        yuv = graph.add("format", self._pixel_format)
        self._output = graph.add("buffersink")
        graph.link_nodes(self._input, to_rgb, rgb, look_up, tags, to_yuv, yuv, self._output)
        table.link_to(look_up, 0, 1)
        graph.configure()
        frame = av.video.frame.VideoFrame.from_ndarray(self._table, _RGB)
        frame.pts = 0
        table.push(frame)
        table.push(None)


@lru_cache(maxsize=4)
def _table(source: HdrColours) -> Float32Array:
    """The BT.709 colour of each HDR colour, red changing fastest and blue slowest."""
    steps = np.arange(_STEPS) / (_STEPS - 1)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    colours = sdr_of(np.stack((red, green, blue), axis=-1), source)
    return colours.astype(np.float32).reshape(_SIDE_PX, _SIDE_PX, 3)
