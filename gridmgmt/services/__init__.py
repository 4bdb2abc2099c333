"""One function per verb: read, decide, write. Never commits, never sees HTTP."""
