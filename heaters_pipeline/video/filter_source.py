"""How FFmpeg's filters are told what pictures they get."""

import av.video.frame


def source_arguments(decoded: av.video.frame.VideoFrame) -> str:
    """Describe a picture for the filter ``buffer``; equal texts are the same kind of picture.

    The time base is a second, for filters that only need to know the order.
    """
    return (
        f"video_size={decoded.width}x{decoded.height}:pix_fmt={decoded.format.name}:time_base=1/1"
        f":colorspace={int(decoded.colorspace)}:range={int(decoded.color_range)}"
    )
