"""Files and frames. Knows neither Dagster nor the store."""
