"""The thread of one session: it runs the hooks, one after the other, and ends the turns."""

import collections
import threading

from . import logs, plugin, rpc, turn
from .resources import HostRoot, ScannableResource
from .session import Session, open_root

# Seconds that a change made outside a hook waits for others of the same burst, to go in one batch with them.
_COALESCE = 0.001

# The life of a session (protocol/SPEC.md, section 4).
_OPENED, _RUNNING, _FAILED, _CLOSED = range(4)


class Worker:
    """Serves the calls of one session in their order, on a thread of its own.

    ``host`` is the process: it has output, capture, now() and log_level, and reply(call, result), fail(call, error) and
    forget(worker).
    """

    def __init__(self, host, loaded, name):
        self._host, self._loaded, self.name = host, loaded, name
        self._state = _OPENED
        self._agent = False
        self._calls = collections.deque()  # None once the session is over
        # One lock for the session's state and for this worker's, so that no wake-up is lost between them.
        self._lock = threading.RLock()
        self._cond = threading.Condition(self._lock)
        self._touched = False
        self._session = self._plugin = self._log = None
        self._thread = threading.Thread(target=self._run, name='faultline-' + name, daemon=True)

    def start(self):
        """Start the thread."""
        self._thread.start()

    def post(self, call):
        """Queue an rpc.Call; return False if the session is over. May be used from any thread."""
        with self._cond:
            if self._calls is None:
                return False
            self._calls.append(call)
            self._cond.notify()
            return True

    def deleted(self, handles):
        """Report again what the host deleted from outside the session. May be used from any thread."""
        with self._lock:
            count = self._session.report_again(handles) if self._state == _RUNNING else 0
        if count:
            self._log.info('%d resources were deleted from outside the session and are reported again', count)

    def join(self):
        """Wait for the end of the thread."""
        self._thread.join()

    def _wake(self):
        # Called by the session with the lock held.
        if not self._touched:
            self._touched = True
            self._cond.notify()

    def _run(self):
        while self._state != _CLOSED:
            call = self._next()
            if call is None:
                self._background_turn()
            else:
                self._serve(call)
        with self._lock:
            late, self._calls = self._calls, None
        for call in late:
            if call.method == 'session/teardown':
                self._host.reply(call, {})
            else:
                self._host.fail(call, rpc.Error(rpc.UNKNOWN_SESSION, 'session %s is not open' % self.name))

    def _next(self):
        """Wait for a call and return it, or None when there are changes made outside the hooks."""
        with self._cond:
            while not self._calls:
                if self._touched and self._state == _RUNNING:
                    self._cond.wait(_COALESCE)
                    if not self._calls:
                        self._touched = False
                        return None
                else:
                    self._cond.wait()
            return self._calls.popleft()

    def _serve(self, call):
        try:
            result = _METHODS[call.method](self, call.params)
        except rpc.Error as e:
            error = e
        except BaseException as e:  # whatever the author's code raises is an answer, SystemExit included
            error = rpc.failure(e)
        else:
            self._host.capture.drain()
            self._host.reply(call, result)
            return
        self._host.capture.drain()
        self._host.fail(call, error)

    def set_level(self, level):
        """Leave out what the author logs below the level, from now on. Any thread may call it."""
        log = self._log
        if log is not None:
            log.setLevel(level)

    # The methods of the protocol. Each returns the result or raises.

    def _open(self, params):
        klass = self._loaded.classes.get(params.get('class'))
        try:
            if klass is None or not issubclass(klass, (ScannableResource, HostRoot)):
                raise rpc.Error(rpc.INVALID_PARAMS, 'the plugin declares no class %r that can be a root' % params.get('class'))
            root = open_root(klass, params.get('attributes') or {})
            self._log = logs.session_logger(self._loaded.name, self._host.output, self.name, self._host.log_level)
            self._session = Session(self.name, root, self._lock, self._wake, self._host.now)
            self._plugin = plugin.make(self._loaded.plugin_class, self._session, self._log)
        except BaseException:
            self._close()
            raise
        return {}

    def _initial_scan(self, params):
        return self._first(lambda: self._plugin.initial_scan(self._session.root), False)

    def _agent_start(self, params):
        return self._first(lambda: self._plugin.agent_session_start(params.get('host_id'), params.get('data')), True)

    def _update_scan(self, params):
        return self._later(lambda: self._plugin.update_scan(self._session.root))

    def _agent_continue(self, params):
        if self._state == _RUNNING and not self._agent:
            raise rpc.Error(rpc.BAD_STATE, 'session %s is not fed by agent data' % self.name)
        return self._later(lambda: self._plugin.agent_session_continue(params.get('host_id'), params.get('data')))

    def _first(self, hook, agent):
        if self._state != _OPENED:
            raise rpc.Error(rpc.BAD_STATE, 'session %s had its first scan already' % self.name)
        self._agent = agent
        self._state = _FAILED  # until the hook is over, so that nothing is sent before it
        number = self._hook(hook, turn.FIRST)
        period = self._period()
        self._state = _RUNNING
        result = {'turn': number}
        if period:
            result['update_period'] = period
        if plugin.defines(type(self._plugin), 'update_scan'):
            result['updates'] = True
        if self._session.gaps:
            result['incomplete'] = self._session.gaps
        return result

    def _period(self):
        period = self._plugin.update_period
        if period is None:
            return 0
        if isinstance(period, bool) or not isinstance(period, (int, float)) or not 0 <= period < float('inf'):
            raise ValueError('update_period must be a number of seconds, not %r' % (period,))
        return period

    def _later(self, hook):
        if self._state == _OPENED:
            raise rpc.Error(rpc.BAD_STATE, 'session %s had no first scan yet' % self.name)
        if self._state != _RUNNING:
            raise rpc.Error(rpc.BAD_STATE, 'session %s failed; tear it down' % self.name)
        return {'turn': self._hook(hook, turn.HOOK)}

    def _teardown(self, params):
        entered = self._state != _OPENED
        self._close()
        if entered:
            self._plugin.teardown()
        return {}

    def _close(self):
        self._state = _CLOSED
        self._host.forget(self)

    # Turns.

    def _hook(self, hook, kind):
        """Run a hook and send its turn. Return the turn's number, 0 if nothing changed."""
        session = self._session
        with self._lock:
            session.hook_thread = threading.get_ident()
        try:
            try:
                hook()
                changes = self._collect(kind)
            except BaseException:
                self._state = _FAILED
                if kind is turn.HOOK:
                    self._send(self._collect(turn.FAILED))
                raise
            try:
                return self._send(changes)
            except BaseException:
                self._state = _FAILED
                raise
        finally:
            with self._lock:
                session.hook_thread = None

    def _collect(self, kind):
        with self._lock:
            # What arrives from here on belongs to a later turn, and wakes this thread.
            self._touched = False
            changes = turn.collect(self._session, kind, self._log)
            if kind is not turn.FAILED:
                self._session.hook_thread = None
            return changes

    def _send(self, changes):
        if changes is None:
            return 0
        self._host.capture.drain()
        for line in turn.lines(changes):
            self._host.output.write(line)
        return changes.number

    def _background_turn(self):
        try:
            self._send(self._collect(turn.BACKGROUND))
        except Exception:
            self._log.exception('changes made outside the hooks could not be sent')


_METHODS = {
    'session/open': Worker._open,
    'session/initial_scan': Worker._initial_scan,
    'session/update_scan': Worker._update_scan,
    'session/agent_start': Worker._agent_start,
    'session/agent_continue': Worker._agent_continue,
    'session/teardown': Worker._teardown,
}

#: The calls that go to the worker of their session.
SESSION_METHODS = frozenset(_METHODS)
