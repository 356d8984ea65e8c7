"""Who may come in: accounts and their passwords, bans, and limits on how often something is tried."""
