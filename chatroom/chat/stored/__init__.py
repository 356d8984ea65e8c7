"""What outlives the daemon: records, history entries, and the Protocols of the stores that keep them."""
