"""A plugin that speaks the protocol by hand, without an SDK, so that others can break one rule each.

Its hardware are two shelves with two drives each. While there is a file "gone" beside the program, one drive is not there.
"""

import json
import os
import queue
import sys
import threading
import time

MANIFEST = {'api_version': 1, 'classes': [
    {'name': 'Array', 'bases': ['ScannableResource', 'Resource'],
     'identifier': {'scope': 'global', 'attributes': ['address']},
     'attributes': [{'name': 'address', 'kind': 'hostname'}, {'name': 'password', 'kind': 'password'},
                    {'name': 'model', 'kind': 'string', 'optional': True, 'user_read_only': True}]},
    {'name': 'Shelf', 'bases': ['Enclosure', 'Resource'],
     'identifier': {'scope': 'scoped', 'attributes': ['number']},
     'attributes': [{'name': 'number', 'kind': 'integer'},
                    {'name': 'spare', 'kind': 'reference', 'optional': True}]},
    {'name': 'Drive', 'bases': ['PhysicalDisk', 'Resource'],
     'identifier': {'scope': 'scoped', 'attributes': ['shelf', 'slot']},
     'attributes': [{'name': 'shelf', 'kind': 'reference'}, {'name': 'slot', 'kind': 'integer', 'min': 0},
                    {'name': 'status', 'kind': 'enum', 'options': ['OK', 'FAILED']}],
     'statistics': [{'name': 'temperature', 'kind': 'gauge', 'sample_period': 10}]},
]}


GONE = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), 'gone')


class Refusal(Exception):
    """An error answer."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Session:
    """One session: a thread runs its calls one after the other."""

    def __init__(self, plugin, name, attributes):
        self.plugin, self.name, self.attributes = plugin, name, attributes
        self.state = 'open'
        self.known = {}     # key → (handle, attributes, parents)
        self.handles = self.turns = self.updates = 0
        self.calls = queue.Queue()
        self.over = False   # a thread of the session ends
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            call = self.calls.get()
            if call is None:
                return
            self.plugin.answer(call, lambda: self.handle(call['method'], call['params']))
            if self.over:
                return

    def handle(self, method, params):
        if method == 'session/teardown':
            self.end()
            return {}
        if method == 'session/initial_scan':
            if self.state != 'open':
                raise Refusal(-32003, 'scanned already')
            self.state = 'failed'
            turn = self.plugin.initial_scan(self)
            self.state = 'running'
            return {'turn': turn, 'updates': True, 'update_period': 1}
        if method == 'session/update_scan':
            if self.state != 'running':
                raise Refusal(-32003, 'no scan that succeeded')
            self.updates += 1
            return {'turn': self.plugin.update_scan(self)}
        raise Refusal(-32601, 'unknown method')

    def end(self):
        self.over = True
        with self.plugin.lock:
            self.plugin.sessions.pop(self.name, None)
        self.plugin.teardown(self)

    def ref(self, key):
        return {'$ref': self.known[key][0]}


class Plugin:
    """What a host sees. Methods are there to be overridden."""

    def __init__(self):
        self.sessions, self.lock = {}, threading.RLock()

    # Hooks.

    def hardware(self, session):
        """Return what there is: {key: (class, attributes, keys of parents)}, owners first."""
        out = {}
        for shelf in (1, 2):
            out['shelf', shelf] = 'Shelf', {'number': shelf}, []
            for slot in (0, 1):
                if (shelf, slot) != (2, 1) or not os.path.exists(GONE):
                    out['drive', shelf, slot] = 'Drive', {
                        'shelf': ('shelf', shelf), 'slot': slot, 'status': 'OK'}, [('shelf', shelf)]
        return out

    def connect(self, session):
        if session.attributes.get('address') != 'good.example.com':
            raise ConnectionRefusedError('nothing answers at %s' % session.attributes.get('address'))
        if session.attributes.get('password') != 'yrev terces':
            raise PermissionError('the password is wrong')

    def initial_scan(self, session):
        self.connect(session)
        return self.send(session, self.changes(session, self.hardware(session)), complete=True)

    def update_scan(self, session):
        self.connect(session)
        ops = self.changes(session, self.hardware(session))
        return self.send(session, ops) if ops else 0

    def teardown(self, session):
        pass

    def encrypt(self, value):
        return value[::-1]

    def deleted(self, session, handles):
        """Forget what the host deleted; the next update reports it again."""
        for key, (handle, _, _) in list(session.known.items()):
            if handle in handles:
                del session.known[key]

    # Batches.

    def changes(self, session, hardware):
        """Return the ops from what the host knows to what there is."""
        ops = []
        for key, (klass, attributes, parents) in hardware.items():
            if key not in session.known:
                session.handles += 1
                session.known[key] = session.handles, None, None
                ops.append({'op': 'put', 'h': session.handles, 'class': klass})
            handle, known, linked = session.known[key]
            wire = {n: session.ref(v) if isinstance(v, tuple) else v for n, v in attributes.items()}
            if known is None:
                ops[-1].update(attributes=wire, parents=[session.known[p][0] for p in parents])
            elif self.differs(known, wire):
                ops.append({'op': 'set', 'h': handle, 'attributes': self.delta(known, wire)})
            session.known[key] = handle, wire, parents
        for key in [k for k in session.known if k not in hardware]:
            ops.append({'op': 'remove', 'h': session.known.pop(key)[0]})
        return ops

    def differs(self, known, wire):
        return known != wire

    def delta(self, known, wire):
        return {n: v for n, v in wire.items() if known.get(n) != v}

    def send(self, session, ops, complete=False):
        session.turns += 1
        batch = {'session': session.name, 'turn': session.turns, 'part': 0, 'last': True, 'ops': ops, 'samples': [
            {'h': h, 'name': 'temperature', 't': int(time.time() * 1000), 'v': 30}
            for key, (h, _, _) in session.known.items() if key[0] == 'drive']}
        if complete:
            batch['complete'] = True
        self.note('session/batch', batch)
        return session.turns

    # Messages.

    def run(self):
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if 'id' in message:
                self.call(message)
            elif message['method'] == 'session/deleted':
                with self.lock:
                    session = self.sessions.get(message['params'].get('session'))
                if session is not None:
                    self.deleted(session, message['params']['handles'])
        self.hangup()

    def hangup(self):
        os._exit(0)

    def call(self, message):
        method, params = message['method'], message.get('params') or {}
        if method == 'session/open':
            self.answer(message, lambda: self.open(params))
        elif method.startswith('session/'):
            with self.lock:
                session = self.sessions.get(params.get('session'))
                if session is not None:
                    session.calls.put(message)
                    return
            self.answer(message, lambda: self.without_session(method))
        elif method == 'initialize':
            self.answer(message, lambda: self.initialize(params))
        elif method == 'encrypt':
            self.answer(message, lambda: self.encrypted(params))
        elif method == 'shutdown':
            self.answer(message, lambda: {})
            self.leave()
        else:
            self.answer(message, lambda: self.unknown_method(method))

    def leave(self):
        os._exit(0)

    def initialize(self, params):
        return {'protocol': 1, 'plugin': {'name': 'base'}, 'sdk': {'name': 'none'}, 'manifest': MANIFEST}

    def open(self, params):
        with self.lock:
            if params['session'] in self.sessions:
                raise Refusal(-32003, 'open already')
            if params['class'] != 'Array':
                raise Refusal(-32602, 'no such class')
            self.sessions[params['session']] = self.new_session(params['session'], params['attributes'])
        return {}

    def new_session(self, name, attributes):
        return Session(self, name, attributes)

    def without_session(self, method):
        if method == 'session/teardown':
            return {}
        if method in ('session/initial_scan', 'session/update_scan'):
            raise Refusal(-32002, 'not open')
        return self.unknown_method(method)

    def unknown_method(self, method):
        raise Refusal(-32601, 'unknown method')

    def encrypted(self, params):
        if params['class'] != 'Array' or params['attribute'] != 'password':
            raise Refusal(-32602, 'no such password')
        return {'value': self.encrypt(params['value'])}

    def answer(self, message, make):
        try:
            out = {'result': make()}
        except Refusal as e:
            out = {'error': {'code': e.code, 'message': str(e)}}
        except Exception as e:
            out = {'error': {'code': -32001, 'message': str(e), 'data': {'kind': type(e).__name__}}}
        self.write(dict(out, jsonrpc='2.0', id=message['id']))

    def note(self, method, params):
        self.write({'jsonrpc': '2.0', 'method': method, 'params': params})

    def log(self, text):
        self.note('log', {'level': 'info', 't': int(time.time() * 1000), 'source': 'log', 'message': text})

    def write(self, message):
        with self.lock:
            sys.stdout.write(json.dumps(message) + '\n')
            sys.stdout.flush()
