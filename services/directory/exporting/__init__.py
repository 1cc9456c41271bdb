"""The directory as files: CSV, NDJSON, JSON, GeoJSON, and the daily dump of open data."""
