"""The rules of moderation: no I/O, no clock. `cases` has the one state machine."""
