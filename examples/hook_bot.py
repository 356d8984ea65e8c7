"""A bot of one outgoing and one incoming hook, without an IRC library. It answers "!dice" with a number.

chatroomctl hook add "#lobby" http://127.0.0.1:8080/ --prefix "!dice"     # prints SECRET
chatroomctl hook add "#lobby" --incoming --name dice                      # prints URL
SECRET=whsec_… URL=http://… python3 hook_bot.py 8080
"""

import base64
import hmac
import json
import os
import random
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer


class Bot(BaseHTTPRequestHandler):
    """Takes one event, and answers it in the channel."""

    def do_POST(self) -> None:
        """Check the signature first: anyone who finds the port can send something."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
        wanted = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        is_genuine = hmac.compare_digest(wanted, self.headers["webhook-signature"] or "")
        self.send_response(204 if is_genuine else 403)
        self.end_headers()
        if is_genuine:
            answer = f"{json.loads(body)['nick']}: {random.randint(1, 6)}"  # noqa: S311 - a game
            urllib.request.urlopen(os.environ["URL"], answer.encode(), timeout=20).close()  # noqa: S310


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Bot).serve_forever()
