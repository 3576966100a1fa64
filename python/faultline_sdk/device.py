"""Device plugins: the process's side of the calls of an agent (protocol/SPEC.md, section 11).

The author's side is chroma_agent.plugin_manager. It is imported here only where it is needed, so that a plugin of the server
does not pay for it.
"""

import collections
import json
import threading

from . import checks, logs, rpc, rules
from .errors import Problem

#: The calls that a DeviceWorker serves.
METHODS = frozenset(('device/start_session', 'device/update_session', 'device/end_session'))

_MAX_ANSWER = 15 << 20  # bytes of what one hook returns: a line has at most 16 MiB
_PRIORITIES = (0, 1, 2)
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':')).encode


def flatten(result):
    """Return what a hook returned as a list of (data, priority), in order. What is None is left out."""
    from chroma_agent.plugin_manager import PRIO_NORMAL, DevicePluginMessage, DevicePluginMessageCollection

    def walk(value, priority):
        if isinstance(value, DevicePluginMessageCollection):
            for one in value:
                yield from walk(one, value.priority)
        elif isinstance(value, DevicePluginMessage):
            yield from walk(value.message, value.priority)
        elif value is not None:
            yield value, priority
    return list(walk(result, PRIO_NORMAL))


def messages(hook, result):
    """Return what a hook returned as the JSON text of wire.DeviceResult. What cannot be sent is a TypeError or ValueError."""
    parts, size = [], 0
    for i, (data, priority) in enumerate(flatten(result)):
        if isinstance(priority, bool) or priority not in _PRIORITIES:
            raise ValueError('message %d of %s has the priority %r; there are PRIO_HIGH, PRIO_NORMAL and PRIO_LOW' % (
                i, hook, priority))
        try:
            text = _encode(data)
        except (TypeError, ValueError, RecursionError) as e:
            raise type(e)('message %d of %s cannot be sent: %s' % (i, hook, e)) from e
        size += len(text)
        parts.append('{"data":%s}' % text if priority == 1 else '{"data":%s,"priority":%d}' % (text, priority))
    if size > _MAX_ANSWER // 4:  # else it is small enough in any encoding
        size = sum(len(p.encode('utf-8', 'backslashreplace')) for p in parts)
    if size > _MAX_ANSWER:
        raise ValueError('%s returned more than %d MiB of messages; send what is large over several updates' % (
            hook, _MAX_ANSWER >> 20))
    return '{"messages":[%s]}' % ','.join(parts)


def info(klass):
    """Return wire.DeviceInfo of a subclass of DevicePlugin."""
    from chroma_agent.plugin_manager import DevicePlugin
    out = {'updates': klass.update_session is not DevicePlugin.update_session}
    if klass.update_period:
        out['period'] = float(klass.update_period)
    return out


def check(name, source, classes, servers):
    """Return the problems of a module with device plugins. classes and servers are pairs (class, (file, line)); servers are
    its plugins for a server."""
    problems = []
    if servers:
        problems.append(Problem(
            rules.PLUGIN_SEVERAL, '%s defines a plugin for the server, %s, and one for the agent, %s' % (
                name, servers[0][0].__name__, classes[0][0].__name__),
            at=classes[0][1], fix='put them into two files of the same name, in two folders'))
    if len(classes) > 1:
        problems.append(Problem(
            rules.PLUGIN_SEVERAL, '%s defines %d device plugins, %s; a module must define exactly one' % (
                name, len(classes), ', '.join(k.__name__ for k, _ in classes)),
            at=classes[1][1], fix='put each into a module of its own'))
    from chroma_agent.plugin_manager import DevicePlugin
    for klass, at in classes:
        if klass.__init__ is not DevicePlugin.__init__:
            checks.check_method(problems, klass, '__init__', 1, 'def __init__(self, session)', klass.__name__, at)
        for hook in ('start_session', 'update_session'):
            checks.check_method(problems, klass, hook, 0, 'def %s(self)' % hook, klass.__name__, at)
        period = klass.update_period
        if period is not None and (isinstance(period, bool) or not isinstance(period, (int, float)) or not 0 < period < 1e9):
            problems.append(Problem(rules.OPTION_VALUE, 'update_period must be a number of seconds above 0, not %r' % (period,),
                                    klass.__name__ + '.update_period', at, 'write a number, such as 60'))
    return problems


class DeviceSession:
    """One session, as the author's plugin gets it: the argument of its constructor."""

    def __init__(self, output, name, plugin_name, level):
        self.name, self._output = name, output
        #: The logger of the session.
        self.log = logs.session_logger(plugin_name, output, name, level)
        self._lock = threading.Lock()
        self._told = self._ended = False

    def changed(self):
        """Tell the agent that there is news, once until the next update begins. May be used from any thread."""
        with self._lock:
            if self._told or self._ended:
                return
            self._told = True
        self._output.notify('device/changed', {'session': self.name})

    def update_begins(self):
        """Take it that what is seen from here on, the update may miss."""
        with self._lock:
            self._told = False

    def ends(self):
        """Say nothing from now on."""
        with self._lock:
            self._ended = True


class DeviceWorker:
    """Serves the calls of a device plugin in their order, on a thread of its own.

    ``host`` is the process: it has output and log_level, and reply_encoded(call, text), reply(call, result) and fail(call,
    error).
    """

    def __init__(self, host, loaded):
        self._host, self._loaded = host, loaded
        self._calls = collections.deque()
        self._cond = threading.Condition()
        self._closed = False
        self._session = self._plugin = None
        self._thread = threading.Thread(target=self._run, name='faultline-device', daemon=True)
        self._thread.start()

    def post(self, call):
        """Queue an rpc.Call. May be used from any thread."""
        with self._cond:
            if self._closed:
                raise rpc.Error(rpc.BAD_STATE, 'the plugin is shutting down')
            self._calls.append(call)
            self._cond.notify()

    def set_level(self, level):
        """Let records below another level out from now on."""
        session = self._session
        if session is not None:
            session.log.setLevel(level)

    def close(self):
        """End the session, and take no more calls; join waits for it."""
        with self._cond:
            self._closed = True
            self._cond.notify()

    def join(self):
        """Wait for the end of the thread."""
        self._thread.join()

    def _run(self):
        while True:
            with self._cond:
                while not self._calls and not self._closed:
                    self._cond.wait()
                if not self._calls:
                    break
                call = self._calls.popleft()
            try:
                self._serve(call)
            except rpc.Error as e:
                self._host.fail(call, e)
            except BaseException as e:
                self._end()
                self._host.capture.drain()
                self._host.fail(call, rpc.failure(e))
        self._end()

    def _serve(self, call):
        name = call.params.get('session')
        if not isinstance(name, str) or not name:
            raise rpc.Error(rpc.INVALID_PARAMS, 'params must name the session')
        if call.method == 'device/end_session':
            if self._session is not None and self._session.name == name:
                self._end()
            self._host.reply(call, {})
            return
        if call.method == 'device/start_session':
            text = self._start(name)
        else:
            text = self._update(name)
        self._host.capture.drain()
        self._host.reply_encoded(call, text)

    def _start(self, name):
        if self._session is not None and self._session.name == name:
            raise rpc.Error(rpc.BAD_STATE, 'session "%s" is open already' % name)
        self._end()
        self._session = DeviceSession(self._host.output, name, self._loaded.name, self._host.log_level)
        self._plugin = self._loaded.device_class(self._session)
        # An author's own constructor need not call that of DevicePlugin.
        self._plugin._session = self._session
        return messages('start_session', _ask(self._plugin.start_session))

    def _update(self, name):
        if self._session is None or self._session.name != name:
            raise rpc.Error(rpc.UNKNOWN_SESSION, 'session "%s" is not open' % name)
        self._session.update_begins()
        return messages('update_session', _ask(self._plugin.update_session))

    def _end(self):
        """End the session, if one is open."""
        session, plugin = self._session, self._plugin
        self._session = self._plugin = None
        if session is None:
            return
        session.ends()
        teardown = getattr(plugin, 'teardown', None)
        if not callable(teardown):
            return
        try:
            teardown()
        except BaseException as e:
            session.log.error('teardown failed: %s', rpc.failure(e).data['detail'])


def _ask(hook):
    """Call a hook of the author. One that is not implemented has nothing to say."""
    try:
        return hook()
    except NotImplementedError:
        return None
