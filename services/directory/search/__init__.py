"""The read model that `GET /venues` and the exports ask: an index of all sheets, one a process.

SQLite keeps it (sheets, FTS5 for their words, offsets of the topic it follows), bitmaps and
arrays in memory answer. Made from the directory's own events, or again from its sheets.
"""
