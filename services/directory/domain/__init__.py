"""The directory's rules: what a sheet may hold, how edits meet, what a proposal is."""
