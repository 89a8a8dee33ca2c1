"""Two runs of the same video at once: right results, hardly anything made twice, no error."""
