"""What people look at: plots, contact sheets, catalog tables, metrics."""
