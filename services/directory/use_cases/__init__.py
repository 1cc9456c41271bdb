"""Everything that can happen in the directory; called by HTTP and by events alike."""
