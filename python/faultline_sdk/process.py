"""The plugin process: it reads the host's calls and hands them to the sessions' workers (protocol/SPEC.md)."""

import json
import logging
import os
import signal
import sys
import threading
import time

from . import PROTOCOL_MAX, PROTOCOL_MIN, __version__, loader, logs, rootvalues, rpc, stdio
from .errors import PluginError
from .worker import SESSION_METHODS, Worker

_GRACE = 5  # seconds that the teardown hooks have once the host is gone
_GREASE_ODDS = 6  # of 256 answers, so many are followed by a message that the host does not know

#: The id of a teardown that the process does by itself: nobody waits for its answer.
_UNASKED = object()


class Process:
    """One plugin process. serve() reads until the input ends or the host asks for the end."""

    def __init__(self, path, name, host_in, host_out):
        self._path, self._name = path, name
        self.now, self.log_level = time.time, logs.threshold()
        self._in = os.fdopen(host_in, 'rb', buffering=1 << 16)
        self.output = stdio.Output(host_out)
        self.capture = stdio.Capture(self.output)
        self._loaded = None
        self._lock = threading.Lock()
        self._workers = {}
        self._device = None  # the worker of a device plugin
        self._stopping = False

    def serve(self):
        """Serve calls until the end of input. Return when all sessions are torn down."""
        self.capture.start()
        logs.capture_root(self.output)
        try:
            for line in self._in:
                self._line(line)
        except (OSError, KeyboardInterrupt):
            pass
        watchdog = threading.Timer(_GRACE, os._exit, (1,))
        watchdog.daemon = True
        watchdog.start()
        self._tear_down_all()

    # What workers use.

    def reply(self, call, result):
        """Answer a call."""
        if call.id is _UNASKED:
            return
        self.output.send({'jsonrpc': '2.0', 'id': call.id, 'result': result})
        if os.urandom(1)[0] < _GREASE_ODDS:
            self._grease()

    def reply_encoded(self, call, text):
        """Answer a call with a result that is JSON already."""
        line = '{"jsonrpc":"2.0","id":%s,"result":%s}\n' % (json.dumps(call.id), text)
        self.output.write(line.encode('utf-8', 'backslashreplace'))

    def fail(self, call, error):
        """Answer a call with an rpc.Error."""
        if call.id is _UNASKED:
            self.output.log('error', 'log', 'teardown failed: ' + (error.data or {}).get('detail', error.message),
                            call.params.get('session'))
            return
        self.output.send({'jsonrpc': '2.0', 'id': call.id, 'error': error.to_wire()})

    def forget(self, worker):
        """Drop a session that is over; its name is unknown from now on."""
        with self._lock:
            if self._workers.get(worker.name) is worker:
                del self._workers[worker.name]

    # From lines to calls.

    def _line(self, line):
        if not line.strip():
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as e:
            self._refuse(None, rpc.PARSE_ERROR, 'the line is no JSON: %s' % e)
            return
        method = message.get('method') if isinstance(message, dict) else None
        if not isinstance(method, str):
            self._refuse(message.get('id') if isinstance(message, dict) else None, rpc.INVALID_REQUEST,
                         'the message is no JSON-RPC call')
            return
        params = message.get('params')
        if 'id' not in message:
            # Of the host's other notifications, session/rejected needs no act: the host tears the session down.
            if method == 'session/deleted' and isinstance(params, dict):
                self._deleted(params)
            elif method == 'log/level' and isinstance(params, dict):
                self._set_level(params.get('level'))
            return
        if params is not None and not isinstance(params, dict):
            self._refuse(message['id'], rpc.INVALID_PARAMS, 'params must be an object')
        else:
            self._call(rpc.Call(message['id'], method, params or {}))

    def _set_level(self, name):
        if name not in logs.LEVELS:
            return
        self.log_level = logs.LEVELS[name]
        logging.getLogger().setLevel(self.log_level)
        with self._lock:
            workers = list(self._workers.values())
        if self._device is not None:
            workers.append(self._device)
        for worker in workers:
            worker.set_level(self.log_level)

    def _deleted(self, params):
        with self._lock:
            worker = self._workers.get(params.get('session'))
        handles = params.get('handles')
        if worker is not None and isinstance(handles, list):
            worker.deleted(handles)

    def _refuse(self, call_id, code, text):
        self.fail(rpc.Call(call_id, '', {}), rpc.Error(code, text))

    def _call(self, call):
        try:
            if call.method == 'initialize':
                self.reply(call, self._initialize(call.params))
                self._grease()
            elif call.method == 'shutdown':
                threading.Thread(target=self._shut_down, args=(call,), name='faultline-shutdown', daemon=True).start()
            elif self._device is not None:
                self._device_call(call)
            elif self._loaded is None and call.method.startswith('device/'):
                self._need_plugin()
            elif call.method in SESSION_METHODS:
                self._session_call(call)
            elif call.method in ('encrypt', 'defaults'):
                self._need_plugin()
                self._beside(call)
            else:
                raise rpc.Error(rpc.METHOD_NOT_FOUND, 'the method %r is unknown' % call.method)
        except rpc.Error as e:
            self.capture.drain()
            self.fail(call, e)

    def _initialize(self, params):
        if self._loaded is not None:
            raise rpc.Error(rpc.BAD_STATE, 'the plugin is initialized already')
        host = params.get('protocol') or {}
        low, high = host.get('min'), host.get('max')
        if not isinstance(low, int) or not isinstance(high, int):
            raise rpc.Error(rpc.INVALID_PARAMS, 'protocol must give min and max as integers')
        common = min(high, PROTOCOL_MAX)
        if common < max(low, PROTOCOL_MIN):
            raise rpc.Error(rpc.BAD_VERSION, 'no common protocol version: the host speaks %d to %d, the plugin %d to %d' % (
                low, high, PROTOCOL_MIN, PROTOCOL_MAX))
        try:
            self._loaded = loader.load(self._path, self._name, params.get('check') is True)
        except PluginError as e:
            raise rpc.Error(rpc.BAD_PLUGIN, 'the plugin has %d problem%s: %s' % (
                len(e.problems), 's' if len(e.problems) > 1 else '', e.problems[0].text),
                _refusal(e)) from e
        self.capture.drain()
        peer = {'name': self._loaded.name}
        if self._loaded.version:
            peer['version'] = self._loaded.version
        result = {'protocol': common, 'plugin': peer, 'sdk': {'name': 'python', 'version': __version__},
                  'manifest': self._loaded.manifest}
        if self._loaded.warnings:
            result['warnings'] = [p.to_wire() for p in self._loaded.warnings]
        if self._loaded.places:
            result['places'] = self._loaded.places
        if isinstance(self._loaded, loader.LoadedDevice):
            from . import device  # only here: plugins of a server do not need it
            result['device'] = device.info(self._loaded.device_class)
            self._device = device.DeviceWorker(self, self._loaded)
        return result

    def _need_plugin(self):
        if self._loaded is None:
            raise rpc.Error(rpc.BAD_STATE, 'call initialize first')

    def _device_call(self, call):
        from . import device
        if call.method not in device.METHODS:
            raise rpc.Error(rpc.METHOD_NOT_FOUND, 'the method %r is unknown to a device plugin' % call.method)
        self._device.post(call)

    def _session_call(self, call):
        self._need_plugin()
        name = call.params.get('session')
        if not isinstance(name, str) or not name:
            raise rpc.Error(rpc.INVALID_PARAMS, 'params must name the session')
        with self._lock:
            worker = self._workers.get(name)
            if call.method == 'session/open':
                if worker is not None:
                    raise rpc.Error(rpc.BAD_STATE, 'session %s is open already' % name)
                if self._stopping:
                    raise rpc.Error(rpc.BAD_STATE, 'the plugin is shutting down')
                worker = self._workers[name] = Worker(self, self._loaded, name)
                worker.start()
        if worker is not None and worker.post(call):
            return
        if call.method == 'session/teardown':
            self.reply(call, {})
        else:
            raise rpc.Error(rpc.UNKNOWN_SESSION, 'session %s is not open' % name)

    # Passwords and defaults.

    def _beside(self, call):
        """Run a call that belongs to no session on a thread of its own.

        It runs the author's code, and a slow function must not keep the sessions from being served.
        """
        def run():
            try:
                if call.method == 'encrypt':
                    result = {'value': rootvalues.encrypt(self._loaded.classes, call.params)}
                else:
                    result = {'attributes': rootvalues.defaults(self._loaded.classes, call.params)}
            except rpc.Error as e:
                error = e
            except BaseException as e:
                error = rpc.failure(e)
            else:
                self.capture.drain()
                self.reply(call, result)
                return
            self.capture.drain()
            self.fail(call, error)
        threading.Thread(target=run, name='faultline-' + call.method, daemon=True).start()

    # The end.

    def _shut_down(self, call):
        self._tear_down_all()
        self.capture.finish()
        self.output.send({'jsonrpc': '2.0', 'id': call.id, 'result': {}})
        leave(0)

    def _tear_down_all(self):
        with self._lock:
            self._stopping = True
            workers = list(self._workers.values())
        for worker in workers:
            worker.post(rpc.Call(_UNASKED, 'session/teardown', {'session': worker.name}))
        if self._device is not None:
            self._device.close()
            self._device.join()
        for worker in workers:
            worker.join()
        self.capture.drain()

    def _grease(self):
        word = ''.join(chr(ord('a') + b % 26) for b in os.urandom(8))
        self.output.notify('x-grease-' + word, {word: [len(self._workers), None, True]})


def leave(status):
    """End the process at once: threads that the plugin left running do not keep it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    os._exit(status)


def main(path, name):
    """Serve the plugin at path over standard input and output. Does not return."""
    host_in, host_out = stdio.take_streams()
    # An interrupt from the terminal reaches the whole process group; the host decides what it means for plugins. A
    # handler, unlike ignoring it, is not inherited by child processes.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGTERM, _interrupt)
    process = Process(path, name, host_in, host_out)
    process.serve()
    process.capture.finish()
    leave(0)


def _interrupt(number, frame):
    raise KeyboardInterrupt


def _refusal(error):
    """Return what goes with the answer to a handshake that a PluginError ends: wire.ErrorData."""
    data = {'problems': [p.to_wire() for p in error.problems]}
    if error.draft is not None:
        data['draft'] = error.draft
    if error.places:
        data['places'] = error.places
    return data
