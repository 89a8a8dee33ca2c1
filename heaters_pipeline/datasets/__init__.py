"""Data sets for training, made of clips. Knows neither video nor Dagster."""
