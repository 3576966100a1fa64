"""The alerts that a server would raise for what a plugin reports, by the conditions that its classes declare.

The rules are those of the server (guide, "Alert Conditions"): bounds are strict, a null trips nothing, severities are
independent of each other, and a condition with for_seconds raises its alert when it has held for so long.
"""

from .testing_model import same

#: The severities as a server names them, worst first, with the names that declarations use.
SEVERITIES = (('error', 'error'), ('warning', 'warn'), ('info', 'info'))


class Alert:
    """An alert that a server would show."""

    def __init__(self, resource, condition, severity, value, since, began):
        #: The Reported that it is about.
        self.resource = resource
        #: The condition's id, or else the attribute's name.
        self.condition = condition.id or condition.attribute
        #: The attribute or statistic that the condition watches.
        self.attribute = condition.attribute
        #: 'error', 'warning' or 'info'.
        self.severity = severity
        #: The author's message; empty if the condition has none, and the server writes its own.
        self.message = condition.message or ''
        #: The value that raised it.
        self.value = value
        #: When the condition began to hold, in seconds since 1970-01-01 UTC.
        self.since = since
        #: When the alert was raised, in the same seconds: later than that if the condition has for_seconds.
        self.began = began

    def __repr__(self):
        return '<%s %r: %s of %s %d is %r>' % (
            self.severity, self.message, self.attribute, self.resource.class_name, self.resource.handle, self.value)


class Check:
    """A condition at one severity: what it watches for."""

    def __init__(self, condition, severity, declared, limit):
        self.condition, self.severity, self.declared, self.limit = condition, severity, declared, limit
        self.key = (condition.id or condition.attribute, condition.attribute, severity)


class Watcher:
    """Evaluates conditions turn by turn. ``classes`` has the ClassInfo of each class by its name."""

    def __init__(self, classes, clock):
        self._clock = clock
        self._classes = classes
        self._checks = {name: _compile(info) for name, info in classes.items()}
        self._active = {}   # (handle, *key of the check) → Alert
        self._pending = {}  # the same → (when it is due, Alert)

    def take(self, turn, root=None):
        """Evaluate what a turn changed; root is given at the start of a session, to look at the root's own attributes."""
        self._fire()
        for resource in turn.removed:
            self._forget(resource)
        for resource in ([root] if root is not None else []) + turn.created + turn.changed:
            attributes = self._classes[resource.class_name].attributes
            for check in self._checks[resource.class_name]:
                if check.condition.attribute in attributes:
                    self._judge(resource, check, resource[check.condition.attribute])
        for resource, name in turn.sampled:
            for check in self._checks[resource.class_name]:
                if check.condition.attribute == name and not resource.removed:
                    self._judge(resource, check, resource.last(name))

    def active(self):
        """Return the alerts that are raised now, the worst first, else in the order in which they were raised."""
        self._fire()
        order = [s for s, _ in SEVERITIES]
        return sorted(self._active.values(), key=lambda a: (order.index(a.severity), a.began))

    def _fire(self):
        """Raise what has held for long enough by now."""
        now = self._clock.now()
        for key, (due, alert) in list(self._pending.items()):
            if due <= now:
                del self._pending[key]
                alert.began = due
                self._active[key] = alert

    def _forget(self, resource):
        for known in (self._active, self._pending):
            for key in [k for k in known if k[0] == resource.handle]:
                del known[key]

    def _judge(self, resource, check, value):
        now = self._clock.now()
        key = (resource.handle,) + check.key
        holds = trips(check.condition, check.limit, value)
        if key in self._active:
            if not holds and ends(check.condition, check.declared, value):
                del self._active[key]
        elif not holds:
            self._pending.pop(key, None)
        elif check.condition.for_seconds:
            due, known = self._pending.get(key, (now + check.condition.for_seconds, None))
            since = known.since if known else now
            self._pending[key] = due, Alert(resource, check.condition, check.severity, value, since, due)
        else:
            self._active[key] = Alert(resource, check.condition, check.severity, value, now, now)


def _compile(info):
    """Return the checks of a class."""
    out = []
    for condition in info.conditions:
        given = dict(condition.watched())
        attribute = info.attributes.get(condition.attribute)
        for severity, declared in SEVERITIES:
            limit = given.get(declared)
            if limit is None:
                continue
            if condition.suffix == 'states' and attribute is not None:
                limit = [attribute.check(v) for v in limit]  # as the attribute stores them
            out.append(Check(condition, severity, declared, limit))
    return out


def trips(condition, limit, value):
    """Return whether a value trips a condition with the states or the bound of one severity."""
    if value is None:
        return False
    if condition.suffix == 'states':
        return any(same(value, state) for state in limit)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return value > limit if condition.kind == 'upper_bound' else value < limit


def ends(condition, severity, value):
    """Return whether a value that does not trip a condition ends its alert: it must be back at the clear threshold."""
    clear = getattr(condition, severity + '_clear', None)
    if clear is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return True
    return value <= clear if condition.kind == 'upper_bound' else value >= clear
