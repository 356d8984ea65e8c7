"""Admission: accounts and passwords, bans, and rate limits. It decides which sessions may connect and log in."""
