"""``python -m chatroom.ctl`` is ``chatroomctl``."""

from chatroom.ctl.main import main

if __name__ == "__main__":
    main()
