"""How many frames a clip may hold that it does not show, and how many bytes of them."""

from heaters_pipeline.errors import ClipError

MOST_HIDDEN_FRAMES = 256
"""As many as encoders put between two I-frames by default (libx264: 250), and what is reordered.

Hidden frames cost space, time in each player, and readers that count packets take them for frames.
"""


MOST_HIDDEN_SHARE = 0.9
"""Of the bytes of a clip's pictures: what a clip of a second hides at the end of a GOP of ten."""

LEAST_WEIGHED_BYTES = 1 << 20
"""What is hidden in less does not matter."""


def require_few_hidden(shown: int, hidden: int) -> None:
    """Refuse a copy that would mostly hold what nobody asked for.

    Args:
        shown: Frames that the clip shows.
        hidden: Frames that it holds besides.
    Raises:
        ClipError: They are too many.
    """
    if hidden > MOST_HIDDEN_FRAMES:
        raise ClipError(
            f"{hidden} frames would have to be hidden to show {shown}, since the source has few "
            f"I-frames; at most {MOST_HIDDEN_FRAMES} are"
        )


def require_few_hidden_bytes(shown_bytes: int, hidden_bytes: int) -> None:
    """Refuse a copy most of whose bytes are of pictures that nobody asked for.

    Args:
        shown_bytes: Of the pictures that the clip shows.
        hidden_bytes: Of those that it holds besides.
    Raises:
        ClipError: They are too many.
    """
    share = hidden_bytes / (shown_bytes + hidden_bytes)
    if hidden_bytes > LEAST_WEIGHED_BYTES and share > MOST_HIDDEN_SHARE:
        raise ClipError(
            f"{hidden_bytes:,} bytes of pictures would have to be hidden, {share:.0%} of all, "
            f"since the source has few I-frames; at most {MOST_HIDDEN_SHARE:.0%} are"
        )
