"""The contract of an output, at a server of our own that keeps what is posted to it."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from poller_example.output import WebhookConfig

from poller.testing import Destination, OutputContract


class Handler(BaseHTTPRequestHandler):
    """Keeps the lines of each POST, or fails once where it is told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        failed, self.server.fails = self.server.fails, False
        self.server.lines += [] if failed else body.splitlines()
        self.send_response(503 if failed else 204)
        self.end_headers()

    def do_HEAD(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(Destination):
    failure = "HTTP 503"

    def __init__(self, folder):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.lines, self.server.fails = [], False
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()
        self.config = WebhookConfig(type="webhook", address=f"http://127.0.0.1:{self.server.server_port}")

    def lines(self):
        return self.server.lines

    def break_once(self, patch):
        self.server.fails = True

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class TestWebhook(OutputContract):
    destination = Server
