import queue
import socketserver
import threading
import unittest

from faultline_sdk import testing

from lifecycle import LifecyclePlugin


class FakeArray(socketserver.ThreadingTCPServer):
    """Answers as the array does."""

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.answers, self.events = queue.Queue(), queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.events.put(None)
        self.shutdown()
        self.server_close()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        if self.rfile.readline() == b'list\n':
            self.wfile.write(self.server.answers.get())
            return
        for event in iter(self.server.events.get, None):
            self.wfile.write(event)


class Life(unittest.TestCase):
    def setUp(self):
        self.array = FakeArray()
        self.addCleanup(self.array.end)
        self.host = testing.start(LifecyclePlugin, address='%s:%d' % self.array.server_address)
        self.addCleanup(self.host.close)

    def test_life(self):
        host, array = self.host, self.array
        array.answers.put(b'S1 OK\nS2 OK\n.\n')
        host.initial_scan()
        self.assertEqual(len(host.resources('Drive')), 2)

        # An event is reported without a scan.
        array.events.put(b'S1 FAILED\n')
        host.wait_for('Drive', serial='S1', status='FAILED')

        # A silent shelf is no reason to remove what may be in it; an answer without it is.
        array.answers.put(b'S1 FAILED\nshelf2 SILENT\n.\n')
        host.update_scan()
        self.assertEqual(len(host.resources('Drive')), 2)
        array.answers.put(b'S1 FAILED\n.\n')
        host.update_scan()
        self.assertEqual(len(host.resources('Drive')), 1)

        # An answer that is cut off fails the scan.
        array.answers.put(b'S1 OK\n')
        with self.assertRaises(EOFError):
            host.update_scan()
        host.teardown()

    def test_incomplete(self):
        self.array.answers.put(b'S1 OK\nshelf2 SILENT\n.\n')
        self.assertFalse(self.host.initial_scan().complete)


if __name__ == '__main__':
    unittest.main()
