"""Delivery: the lines of a tick, stored first, then rendered once for many readers; and lists that follow users."""
