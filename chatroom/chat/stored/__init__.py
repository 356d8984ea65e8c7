"""What outlives the daemon: the records and history entries, and the Protocols of the stores that keep them."""
