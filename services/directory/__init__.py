"""Venue sheets: import, history, proposed edits and news; applies what was approved."""
