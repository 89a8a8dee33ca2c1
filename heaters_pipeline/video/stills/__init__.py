"""Pictures of a clip: sprite sheets and key frames."""
