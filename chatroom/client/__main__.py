"""``python -m chatroom.client``: the same as the ``chatroom`` command."""

from chatroom.client.main import main

main()
