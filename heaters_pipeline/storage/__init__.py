"""Objects and records. Knows neither Dagster nor video."""
