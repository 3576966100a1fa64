"""The fake host of faultline_sdk.testing: it serves one plugin class, in the process of the test, one session at a time."""

import json
import sys
import threading
import time
import traceback

from . import logs, model, rootvalues, rpc, testing_conform
from .errors import ValidationError
from .plugin import defines
from .testing_alerts import Watcher
from .testing_load import load, name_of, root_of
from .testing_model import Clock, Model, Turn
from .worker import Worker

#: Seconds that a hook, or wait_for, may take before it is an error.
TIMEOUT = 30


def start(plugin, root_class=None, classes=(), /, **attributes):
    """Return a Host with an open session of a plugin; no hook has run yet. Use it in a ``with`` statement, or close it.

    plugin is a plugin class, a module, or the path of a .py file or package. root_class, a class or its name, says what the
    session's root is; it can be left out if the plugin has just one. attributes are the root's, as a user types them:
    passwords go through encrypt_fn and defaults fill in. classes names resource classes that the plugin's own module
    does not have in sight. Declarations that are wrong are a PluginError with all that is wrong.
    """
    return Host(load(plugin, root_class, classes), root_class, attributes)


def agent_messages(result):
    """Return what an agent sends of the result of start_session or update_session: a list of JSON values.

    A collection is sent message by message; None sends nothing. The first one goes to agent_session_start.
    """
    from .device import flatten
    return [_json(data) for data, _ in flatten(result)]


class Host:
    """A fake host of one plugin. Its methods are for the thread of the test; see start."""

    def __init__(self, loaded, root_class, attributes):
        #: Seconds that a hook, or wait_for, may take before it is an AssertionError.
        self.timeout = TIMEOUT
        #: The source of the times of samples and alerts.
        self.clock = Clock()
        #: What was logged so far: dicts with level, message, source and session.
        self.logs = []
        #: The instance of the author's plugin class of the open session.
        self.plugin = None
        #: Seconds between update scans that the first scan asked for; None if it left that to the host.
        self.update_period = None
        #: What the first scan could not read, by Plugin.incomplete.
        self.incomplete = []
        #: The root's passwords by attribute name, as they were typed and as the plugin sees them.
        self.passwords = {}
        self._loaded = loaded
        self._class = root_of(loaded, root_class)
        self._attributes = self._typed(attributes)
        self._infos = {name: k._fl_info for name, k in loaded.classes.items()}
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._answers, self._failures, self._calls, self._opened = {}, [], 0, 0
        self._worker = self._model = self._watcher = None
        self.reopen()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, tb):
        try:
            self.close()
        except Exception:
            if kind is None:  # the first failure is the one to tell
                raise

    # The session.

    def reopen(self):
        """Tear the session down, if one is open, and open a new one with a new plugin instance, as a host does after an error."""
        self.teardown()
        model.plugin_name = self._loaded.name
        self._opened += 1
        self._model, self._watcher = Model(self._class.__name__, self._attributes, self._infos), Watcher(self._infos, self.clock)
        self.update_period, self.incomplete = None, []
        self._worker = Worker(_Line(self), self._loaded, 'session-%d' % self._opened)
        self._worker.start()
        try:
            self._call('session/open', **{'class': self._class.__name__, 'attributes': self._attributes})
        except BaseException:
            self._worker = None
            raise
        self.plugin = self._worker._plugin

    def initial_scan(self):
        """Run initial_scan and return its Turn. Once a session."""
        return self._first('session/initial_scan')

    def update_scan(self):
        """Run update_scan and return its Turn, which is false if nothing changed."""
        return self._turn(self._call('session/update_scan'))

    def agent_session_start(self, data, host_id=1):
        """Run agent_session_start with what an agent plugin sent, any value that JSON can hold. Return its Turn."""
        return self._first('session/agent_start', host_id=host_id, data=_json(data))

    def agent_session_continue(self, data, host_id=1):
        """Run agent_session_continue with what an agent plugin sent. Return its Turn."""
        return self._turn(self._call('session/agent_continue', host_id=host_id, data=_json(data)))

    def teardown(self):
        """End the session: runs the plugin's teardown if a scan was entered. Without a session it does nothing."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._call('session/teardown', worker)
            worker.join()

    def close(self):
        """End everything. It may be called again, by addCleanup for example."""
        self.teardown()
        self._raise_failures()

    def delete(self, *resources):
        """Tell the plugin that the server deleted resources for what another root reports (protocol, section 5).

        What the plugin did not remove it reports again, as new resources with the same identity.
        """
        handles = [r.handle for r in resources]
        with self._lock:
            for resource in resources:
                self._model.delete(resource)
        self._worker.deleted(handles)

    def conform(self, data=None):
        """Check what every plugin must do, against hardware that stays as it is; raise an AssertionError with all findings.

        An update of unchanged hardware changes nothing; a second session finds what the first one knows; parents and
        references form no cycle; labels can be made; a teardown after a scan that failed does not fail; no thread outlives
        its session; no password of the root is in the log or in an attribute. data is what an agent plugin sends: it is given
        to the agent hooks, and then no scan runs. It uses sessions of its own and leaves a fresh one open.
        """
        if data is None:
            testing_conform.conform(self, self._infos, self.initial_scan, self.update_scan)
        else:
            again = defines(self._loaded.plugin_class, 'agent_session_continue')
            testing_conform.conform(self, self._infos, lambda: self.agent_session_start(data),
                                    lambda: self.agent_session_continue(data) if again else Turn())

    # What users do.

    def encrypt(self, attribute, typed):
        """Return what encrypt_fn of the root's attribute makes of a password that a user typed."""
        return rootvalues.encrypt(self._loaded.classes, {'class': self._class.__name__, 'attribute': attribute, 'value': typed})

    def _typed(self, attributes):
        """Return the root's attributes as a server stores what a user typed."""
        info = self._class._fl_info
        given = {n: v for n, v in info.checked(attributes).items() if v is not None}
        for name, attribute in info.attributes.items():
            if name not in given and not attribute.optional and attribute.default is None and name not in info.references:
                raise ValidationError('%s.%s needs a value: start(..., %s=...)' % (info.name, name, name), name)
        filled = rootvalues.defaults(self._loaded.classes, {'class': info.name, 'attributes': given})
        for name, value in given.items():
            if info.attributes[name].user_read_only:
                raise ValueError('%s.%s is user_read_only: no user gives it a value' % (info.name, name))
            if info.attributes[name].kind == 'password':
                typed, value = value, info.attributes[name].encrypt(value)
                self.passwords[name] = typed, value
            filled[name] = value
        return _json({n: v for n, v in filled.items() if n in given or not info.attributes[n].optional})

    # What the host knows.

    @property
    def root(self):
        """The root of the session, as a Reported."""
        return self._model.resources[0]

    @property
    def turns(self):
        """The turns of the session that sent something, those of the plugin's own threads too."""
        with self._lock:
            return list(self._model.turns)

    @property
    def removed(self):
        """The resources that were removed in this session, in order."""
        with self._lock:
            return list(self._model.removed)

    def resources(self, klass=None, /, **attributes):
        """Return the reported resources, the root left out, in the order of the reports.

        klass, a class or its name, keeps those of exactly this class, and attributes those with these values. A reference
        is compared with a Reported, None stands for no value.
        """
        with self._lock:
            return self._found(klass, attributes)

    def one(self, klass, /, **attributes):
        """Return the one resource of the class with the attributes. Another number than one is an AssertionError."""
        found = self.resources(klass, **attributes)
        if len(found) != 1:
            raise AssertionError('%d resources are %s%s, not one; all of the class:%s' % (
                len(found), name_of(klass), _shown(attributes), _listing(self.resources(klass))))
        return found[0]

    def wait_for(self, klass, /, **attributes):
        """Wait until there is exactly one such resource, which a thread of the plugin reports, and return it."""
        deadline = time.monotonic() + self.timeout
        with self._changed:
            while len(self._found(klass, attributes)) != 1:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError('after %g s there is no %s%s; all of the class:%s' % (
                        self.timeout, name_of(klass), _shown(attributes), _listing(self._found(klass, {}))))
                self._changed.wait(left)
            return self._found(klass, attributes)[0]

    def alerts(self, klass=None, severity=None):
        """Return the alerts that a server would show now, as a list of Alert, the worst first."""
        with self._lock:
            return [a for a in self._watcher.active()
                    if (klass is None or a.resource.class_name == name_of(klass)) and severity in (None, a.severity)]

    def want_alerts(self, *messages):
        """Raise an AssertionError unless these are the messages of the alerts, in any order."""
        have = sorted(a.message for a in self.alerts())
        if have != sorted(messages):
            raise AssertionError('the alerts are%s\nwanted were the messages %s' % (
                _listing(self.alerts()), sorted(messages)))

    def _found(self, klass, attributes):
        return [r for r in self._model.resources.values() if r.handle and (klass is None or r.class_name == name_of(klass))
                and r.has(attributes)]

    # Calls.

    def _first(self, method, **params):
        result = self._call(method, **params)
        self.update_period = result.get('update_period')
        self.incomplete = result.get('incomplete', [])
        return self._turn(result)

    def _turn(self, result):
        with self._lock:
            return self._model.turns[result['turn'] - 1] if result['turn'] else Turn()

    def _call(self, method, worker=None, **params):
        worker = worker or self._worker
        if worker is None:
            raise ValueError('no session is open; call reopen()')
        self._calls += 1
        call = rpc.Call(self._calls, method, dict(params, session=worker.name))
        if not worker.post(call):
            raise ValueError('session %s is over; call reopen()' % worker.name)
        with self._changed:
            if not self._changed.wait_for(lambda: call.id in self._answers, self.timeout):
                raise AssertionError('%s did not return within %g s; it stands here:\n%s' % (
                    method, self.timeout, _stack(worker)))
            result, error = self._answers.pop(call.id)
        self._raise_failures()
        if error is not None:
            raise error.__cause__ or error
        return result

    def _raise_failures(self):
        with self._lock:
            failures, self._failures = self._failures, []
        if failures:
            raise failures[0]

    # What the plugin sends; called on its threads.

    def _answer(self, call, result, error):
        with self._changed:
            self._answers[call.id] = result, error
            self._changed.notify_all()

    def _take(self, message):
        with self._changed:
            if message['method'] == 'log':
                self.logs.append(message['params'])
            elif message['method'] == 'session/batch':
                try:
                    first = not self._model.turns
                    turn = self._model.take(message['params'])
                    if turn is not None:
                        self._watcher.take(turn, self._model.resources[0] if first else None)
                except AssertionError as e:
                    self._failures.append(e)
            self._changed.notify_all()


class _Line:
    """What a Worker sees of the host: the line to it."""

    def __init__(self, host):
        self._host = host
        self.output = self.capture = self
        self.now = host.clock.now
        self.log_level = logs.LEVELS['debug']

    # As a process.

    def reply(self, call, result):
        self._host._answer(call, _json(result), None)

    def fail(self, call, error):
        self._host._answer(call, None, error)

    def forget(self, worker):
        pass

    # As stdio.Output and stdio.Capture. What is printed goes where the test's output goes.

    def write(self, line):
        self._host._take(json.loads(line))

    def log(self, level, source, message, session=None):
        self._host._take({'method': 'log', 'params': {
            'level': level, 'source': source, 'message': message, 'session': session, 't': int(self.now() * 1000)}})

    def drain(self):
        pass


def _stack(worker):
    frame = sys._current_frames().get(worker._thread.ident)
    return ''.join(traceback.format_stack(frame)) if frame is not None else 'nowhere: its thread has ended'


def _json(value):
    """Return what is left of a value on its way through JSON: lists for tuples, for example."""
    return json.loads(json.dumps(value))


def _shown(attributes):
    return ' with ' + ', '.join('%s=%r' % pair for pair in attributes.items()) if attributes else ''


def _listing(items):
    return ''.join('\n    %r' % i for i in items) or ' none'
