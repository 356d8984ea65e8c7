"""The rules: who is here and who may do what. Pure: no socket, thread, SQL or clock."""
