"""Read files: packets, frames with exact times, light and colour. Nothing of scenes or clips."""
