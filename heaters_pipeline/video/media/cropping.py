"""Pictures cut to the part that the file says is shown, as players that heed it do."""

import av.video.frame
import av.video.stream

from heaters_pipeline.video.media.filter_graph import OneForOne
from heaters_pipeline.video.media.picture_boxes import crop_of


class Cropping:
    """Cuts the pictures of one stream."""

    def __init__(self, stream: av.video.stream.VideoStream) -> None:
        self._crop = crop_of(stream)
        context = stream.codec_context
        self._stored_px = context.width, context.height
        self._filter = OneForOne()

    def shown(self, decoded: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        """The part that is shown; all of a picture of another size, of which nothing is said."""
        if self._crop is None or (decoded.width, decoded.height) != self._stored_px:
            return decoded
        crop = self._crop
        area = f"{crop.width_px}:{crop.height_px}:{crop.left}:{crop.top}:exact=1"
        return self._filter.filtered(decoded, "crop", area)
