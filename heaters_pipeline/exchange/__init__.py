"""Scenes for other programs, and cuts from them. Knows neither the store nor Dagster."""
