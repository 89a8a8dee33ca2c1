"""Pictures of what was found: arrays and tracks in, PNG or JPEG bytes out."""
