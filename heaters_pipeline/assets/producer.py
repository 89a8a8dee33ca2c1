"""Which software made a result. Recorded for people; it decides nothing."""

from importlib.metadata import version

import av

from heaters_pipeline import __version__


def producer_versions() -> dict[str, str]:
    """Versions of this package and of the libraries that read and write video."""
    codec = ".".join(str(part) for part in av.library_versions["libavcodec"])
    return {
        "heaters_pipeline": __version__,
        "av": av.__version__,
        "libavcodec": codec,
        "opencv": version("opencv-python-headless"),
    }
