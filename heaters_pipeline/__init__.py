"""heaters_pipeline: videos in, clips and sprite sheets out, with nothing done twice."""

__version__ = "0.1.0"
