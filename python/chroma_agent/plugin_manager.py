"""Agent plugins (guide, "Agent Plugins"): code that runs on a storage server and tells what it finds there."""

import logging

from faultline_sdk.errors import declared_at

__all__ = ['PRIO_HIGH', 'PRIO_NORMAL', 'PRIO_LOW', 'DevicePlugin', 'DevicePluginMessage', 'DevicePluginMessageCollection']

#: The priority of messages that go before all others. Of the messages that wait, those with the lowest number go first.
PRIO_HIGH = 0
#: The priority of messages that name none.
PRIO_NORMAL = 1
#: The priority of messages that wait for all others.
PRIO_LOW = 2


class DevicePlugin:
    """An agent plugin. The Faultline agent makes one instance for each session with the server.

    What the hooks return goes to the server plugin of the same name: anything that JSON can hold, a DevicePluginMessage or
    a DevicePluginMessageCollection. None sends nothing. An exception ends the session; the agent starts a new one, with a new
    instance. A ``teardown`` method, if there is one, is called at the end of the session. The hooks of a process never run at
    the same time.
    """

    #: Seconds between two calls of update_session; None leaves that to the agent. Set it in the class.
    update_period = None
    #: The logger of the session: what is logged goes to the agent's log.
    log = logging.getLogger('chroma_agent')

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._fl_at = declared_at()

    def __init__(self, session=None):
        """Make the plugin for a session, which is the agent's own object."""
        self._session = session
        if session is not None:
            self.log = session.log

    def start_session(self):
        """Return a full listing of all there is. Called once on each instance."""
        raise NotImplementedError('%s has no start_session' % type(self).__name__)

    def update_session(self):
        """Return what changed since start_session or the last update_session. Never called before start_session."""
        return None

    def changed(self):
        """Ask the agent to call update_session soon, without waiting for its period. May be called from any thread."""
        if self._session is not None:
            self._session.changed()


class DevicePluginMessage:
    """One message with a priority other than the normal one."""

    def __init__(self, message, priority=PRIO_NORMAL):
        #: What is sent: anything that JSON can hold.
        self.message = message
        #: PRIO_HIGH, PRIO_NORMAL or PRIO_LOW.
        self.priority = priority


class DevicePluginMessageCollection(list):
    """Several messages that are sent one by one, with one priority unless they are DevicePluginMessages of their own."""

    def __init__(self, messages, priority=PRIO_NORMAL):
        super().__init__(messages)
        #: PRIO_HIGH, PRIO_NORMAL or PRIO_LOW, of all of them.
        self.priority = priority
