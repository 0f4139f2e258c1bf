"""Other formats to databases that Data layers read. Nothing here prints: progress is told to a callback."""
