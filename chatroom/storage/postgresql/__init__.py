"""PostgreSQL: connections to a server, and what only it needs. Imported only if the settings name one."""
