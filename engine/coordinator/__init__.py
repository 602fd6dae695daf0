"""The coordinator: hears of ends, lets the log say so, and releases what that made ready."""
