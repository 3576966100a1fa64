"""The base class of plugins (guide, "Implementing a Plugin")."""

from .errors import declared_at


class Plugin:
    """A plugin: it is made anew for each session, that is for each root resource, and reports what the root has.

    Define initial_scan, or agent_session_start for a plugin that is fed by an agent plugin, and what else is needed. The
    hooks of one instance never run at the same time. update_or_create, remove, find_by_attr, remove_by_attr and the
    resources themselves may be used from any thread at any time; what threads change between two hooks is sent within a
    few milliseconds.
    """

    #: Seconds between update scans; None leaves it to the host. Assign it before initial_scan returns.
    update_period = None

    #: A logging.Logger whose records go to the log of the server. Set before __init__ runs.
    log = None

    _fl_session = None
    _fl_at = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._fl_at = declared_at()

    def __init__(self, resource_manager=None, scannable_id=None):
        """Make the plugin. The arguments exist for plugins that pass them on; both are None."""

    def initial_scan(self, root_resource):
        """Report everything that the root has at this time (guide, Plugin.initial_scan).

        What was there before and is not reported by the time of return is deleted. Raise an exception if you cannot tell,
        or call incomplete if you cannot tell of a part.
        """
        raise NotImplementedError('%s has no initial_scan' % type(self).__name__)

    def update_scan(self, root_resource):
        """Bring the reported resources up to date (guide, Plugin.update_scan). Called after initial_scan, periodically."""

    def teardown(self):
        """Free what initial_scan took (guide, Plugin.teardown). Called once after it was entered, also if it failed."""

    def agent_session_start(self, host_id, data):
        """Report everything that data, which the agent plugin of the same name sent, tells of the host (guide, "Plugin")."""
        raise NotImplementedError('%s has no agent_session_start' % type(self).__name__)

    def agent_session_continue(self, host_id, data):
        """Handle further data of the agent plugin. Called after agent_session_start on the same instance only."""
        raise NotImplementedError('%s has no agent_session_continue' % type(self).__name__)

    def update_or_create(self, klass, parents=(), **attrs):
        """Report a resource and return (resource, created) (guide, Plugin.update_or_create).

        The identifying attributes in attrs are the key: a resource that was reported in this session is updated, and
        created is then False. parents are resources whose problems are this resource's problems; they are added to
        those it has. A bad value is a ValidationError, an unknown name an UnknownAttributeError, and changes nothing.
        """
        return self._fl_session.report(klass, parents, attrs)

    def register_resource(self, resource, parents=()):
        """Report a resource that was made by calling its class, and return it (guide, Plugin.initial_scan).

        ``self.register_resource(Drive(serial='S1'))`` does what ``self.update_or_create(Drive, serial='S1')`` does, and makes
        the given object the reported one. If the session has one of this identity, that is updated and returned. Samples
        that were assigned before are not sent.
        """
        return self._fl_session.adopt(resource, parents)

    def incomplete(self, text):
        """Say that the scan could not read a part of the hardware, and which, for people. It may be called several times.

        The server then keeps what the initial scan (or agent_session_start) did not report, where it would delete it
        else. It is a warning in the log, and in later scans it is nothing more.
        """
        text = str(text).encode('utf-8', 'backslashreplace').decode('utf-8')
        self._fl_session.note_gap(text)
        self.log.warning('the scan is incomplete: %s', text)

    def remove(self, resource):
        """Remove a resource (guide, Plugin.remove). Removing it again does nothing.

        A resource that refers to it by a mandatory attribute goes with it; optional references to it are cleared.
        """
        self._fl_session.remove(resource)

    def find_by_attr(self, klass, **attrs):
        """Iterate over the reported resources of klass with the given attribute values; what is not given is free.

        Giving all identifying attributes finds the resource at once. The resources may be changed and removed, and others
        reported, in the loop; those reported in the loop are not visited.
        """
        return self._fl_session.find(klass, attrs)

    def remove_by_attr(self, klass, **attrs):
        """Remove the resources that find_by_attr finds. Return whether there was one."""
        found = False
        for resource in self._fl_session.find(klass, attrs):
            found = self._fl_session.remove(resource) or found
        return found


def make(klass, session, log):
    """Return a new instance of a plugin class, bound to its session before its own __init__ runs."""
    plugin = klass.__new__(klass)
    plugin._fl_session = session
    plugin.log = log
    init = klass.__init__
    code = getattr(init, '__code__', None)
    takes_none = code is not None and code.co_argcount == 1 and not code.co_flags & 0x04  # CO_VARARGS
    if takes_none:
        plugin.__init__()
    else:
        plugin.__init__(None, None)
    return plugin


def defines(klass, hook):
    """Return whether a plugin class has a hook of its own."""
    return getattr(klass, hook) is not getattr(Plugin, hook)
