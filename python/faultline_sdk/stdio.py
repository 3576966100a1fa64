"""The process's standard streams: the protocol keeps the real ones, everything else is led away.

Whatever writes to descriptor 1, be it print, a library in C or a child process, writes into a pipe whose lines become log
records. Descriptor 0 is empty, so that nothing but the SDK reads what the host says.
"""

import json
import os
import select
import sys
import threading
import time

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(',', ':')).encode

_MORE, _NOTHING, _END = range(3)
_LONGEST = 64 << 10  # bytes of a printed line; a longer one is cut into several records


class Output:
    """Writes messages to the host. Messages of several threads do not mix."""

    def __init__(self, fd):
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, message):
        """Send one message, a dict."""
        self.write((_encode(message) + '\n').encode('utf-8', 'backslashreplace'))

    def notify(self, method, params):
        """Send a notification."""
        self.send({'jsonrpc': '2.0', 'method': method, 'params': params})

    def log(self, level, source, message, session=None):
        """Send a log record."""
        record = {'level': level, 't': int(time.time() * 1000), 'source': source, 'message': message}
        if session:
            record['session'] = session
        self.notify('log', record)

    def write(self, line):
        """Write an encoded line. When the host is gone there is nobody to tell, and the end of input follows."""
        view = memoryview(line)
        with self._lock:
            try:
                while view:
                    view = view[os.write(self._fd, view):]
            except OSError:
                pass


class Capture:
    """Turns what is printed into log records of source stdout."""

    def __init__(self, output):
        self._output = output
        self._rest = b''
        self._lock = threading.Lock()  # held from reading to sending, so that drain() misses nothing
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)

    def start(self):
        """Lead descriptor 1 and sys.stdout into the pipe."""
        if sys.stdout is not None:
            sys.stdout.flush()
        os.dup2(self._write, 1)
        os.close(self._write)
        # A new object, as the old one may remember that it stood for a file.
        sys.stdout = sys.__stdout__ = open(1, 'w', buffering=1, encoding='utf-8', errors='backslashreplace', closefd=False)
        self._thread = threading.Thread(target=self._run, name='faultline-stdout', daemon=True)
        self._thread.start()

    def drain(self):
        """Send what was printed until now. Called before an answer, so that a hook's output stands before its result."""
        try:
            sys.stdout.flush()
        except (OSError, ValueError, AttributeError):
            pass  # the plugin closed or replaced it: its affair
        while self._take() is _MORE:
            pass

    def finish(self):
        """Send what is left, also a last line without an end. Nothing is captured afterwards."""
        self.drain()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        with self._lock:
            if self._rest:
                self._say(self._rest)
                self._rest = b''

    def _run(self):
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        while self._take() is not _END:
            poll.poll()

    def _take(self):
        """Read once and send the whole lines. Return what can come now: more, nothing yet, or nothing any more."""
        with self._lock:
            try:
                data = os.read(self._read, 1 << 16)
            except BlockingIOError:
                return _NOTHING
            if not data:
                return _END
            lines = (self._rest + data).split(b'\n')
            self._rest = lines.pop()
            if len(self._rest) > _LONGEST:
                lines.append(self._rest)
                self._rest = b''
            for line in lines:
                self._say(line)
        return _MORE

    def _say(self, line):
        text = line.decode('utf-8', 'replace').rstrip('\r')
        if text.strip():
            self._output.log('warning', 'stdout', text)


def take_streams():
    """Return (input, output) descriptors that only the SDK knows, and make descriptor 0 empty."""
    host_in, host_out = os.dup(0), os.dup(1)  # not inherited by child processes
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return host_in, host_out
