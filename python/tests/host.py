"""A small host for tests: it runs a plugin process and speaks the protocol with it."""

import json
import os
import queue
import subprocess
import sys
import threading

PYTHON = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPOSITORY = os.path.dirname(PYTHON)
DATA = os.path.join(PYTHON, 'tests', 'data')
TIMEOUT = 30  # seconds; generous, as a slow machine is no failure


class Refused(Exception):
    """An error answer of the plugin."""

    def __init__(self, error):
        super().__init__(error['message'])
        self.code, self.message, self.data = error['code'], error['message'], error.get('data') or {}


class Host:
    """A plugin process. Use it as a context manager."""

    def __init__(self, path, name=None, env=None):
        environ = dict(os.environ, PYTHONPATH=PYTHON, PYTHONDONTWRITEBYTECODE='1', **(env or {}))
        environ.pop('FAULTLINE_PLUGIN', None)
        if name:
            environ['FAULTLINE_PLUGIN'] = name
        self.process = subprocess.Popen([sys.executable, '-m', 'faultline_sdk', path], env=environ,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        self.batches, self.logs, self.grease = [], [], []
        self._id = 0
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        self.stderr = b''
        for thread in self._threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(TIMEOUT)
        self.process.stdout.close()
        self.process.stderr.close()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _read_errors(self):
        self.stderr = self.process.stderr.read()

    def write(self, line):
        """Send a raw line of text."""
        self.process.stdin.write(line.encode('utf-8') + b'\n')
        self.process.stdin.flush()

    def read(self):
        """Return the next message of the plugin, or None at the end."""
        line = self.lines.get(timeout=TIMEOUT)
        if line is None:
            return None
        assert line.endswith(b'\n'), line
        return json.loads(line)

    def post(self, method, **params):
        """Send a call and return its id without waiting."""
        self._id += 1
        self.write(json.dumps({'jsonrpc': '2.0', 'id': self._id, 'method': method, 'params': params}))
        return self._id

    def answer(self, call_id=None):
        """Return the result of a call, collecting notifications on the way; an error answer is raised as Refused."""
        while True:
            message = self.read()
            if message is None:
                raise EOFError('the plugin ended: ' + self.stderr.decode('utf-8', 'replace'))
            if 'method' in message:
                self._note(message)
            elif call_id is None or message['id'] == call_id:
                if 'error' in message:
                    raise Refused(message['error'])
                return message['result']

    def _note(self, message):
        kind = {'session/batch': self.batches, 'log': self.logs}.get(message['method'], self.grease)
        kind.append(message['params'] if kind is not self.grease else message['method'])

    def call(self, method, **params):
        """Send a call and return its result."""
        return self.answer(self.post(method, **params))

    def batch(self):
        """Return the next batch that comes outside a call."""
        have = len(self.batches)
        while len(self.batches) == have:
            message = self.read()
            assert message is not None and 'method' in message, message
            self._note(message)
        return self.batches[-1]

    def initialize(self):
        """Make the handshake and return its result."""
        return self.call('initialize', protocol={'min': 1, 'max': 1}, host={'name': 'test', 'version': '0'})

    def open(self, class_name, session='s1', **attributes):
        """Open a session."""
        return self.call('session/open', session=session, **{'class': class_name, 'attributes': attributes})

    def turn(self, method, session='s1', **params):
        """Call a hook; return (result, ops, samples) of its turn."""
        have = len(self.batches)
        result = self.call('session/' + method, session=session, **params)
        new = [b for b in self.batches[have:] if b['session'] == session]
        return result, [o for b in new for o in b.get('ops', [])], [s for b in new for s in b.get('samples', [])]
