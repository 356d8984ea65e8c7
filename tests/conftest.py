"""Shared by all tests."""

from __future__ import annotations

from hypothesis import settings

# A property is judged by what it finds, not by how long a busy machine takes for one example.
settings.register_profile("chatroom", deadline=None)
settings.load_profile("chatroom")
