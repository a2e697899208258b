"""What happened: event types, the log, the lake, import."""
