"""The things of the chat: users, their sessions, the channels they are in, and what each of them carries."""
