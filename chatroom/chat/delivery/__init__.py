"""What people are told: the lines of a tick, in order, kept in the history first and rendered once for many readers."""
