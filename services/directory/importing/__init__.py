"""Files of sheets, and how they change the directory."""
