"""Alert conditions (guide, "Alert Conditions"): values that are a fault. The server watches them; an author only declares.

Severities are independent: beyond both the warn and the error bound, both alerts hold. Bounds are strict.
"""

from .errors import declared_at

#: The severities in the order in which the protocol and the guide name them.
SEVERITIES = ('error', 'warn', 'info')


class AlertCondition:
    """A watched attribute, Gauge or Counter, the message to show, and an id where two conditions would clash."""

    #: The condition's kind in the protocol.
    kind = ''
    #: What the arguments by severity are called: 'states' or 'bound'.
    suffix = ''

    def __init__(self, attribute, message=None, id=None, **unknown):
        self.attribute = attribute
        self.message = message
        self.id = id
        self.at = declared_at()
        self.problems = []
        for option, value in (('message', message), ('id', id)):
            if value is not None and not isinstance(value, str):
                self.problems.append('%s of an alert condition must be text, not %r' % (option, value))
        if unknown:
            self.problems.append('%s does not take the option %s' % (type(self).__name__, ', '.join(sorted(unknown))))

    def watched(self):
        """Return the pairs (severity, states or bound) that are given."""
        pairs = ((s, getattr(self, s + '_' + self.suffix)) for s in SEVERITIES)
        return [(s, v) for s, v in pairs if v is not None and v != []]

    def to_wire(self):
        """Return the condition as wire.Condition."""
        out = {'kind': self.kind, 'attribute': self.attribute}
        if self.id:
            out['id'] = self.id
        if self.message:
            out['message'] = self.message
        for severity, value in self.watched():
            out['%s_%s' % (severity, self.suffix)] = value
        return out


class _BoundCondition(AlertCondition):
    suffix = 'bound'

    def __init__(self, attribute, error_bound=None, warn_bound=None, info_bound=None, message=None, id=None, **unknown):
        super().__init__(attribute, message, id, **unknown)
        self.error_bound = self._bound('error_bound', error_bound)
        self.warn_bound = self._bound('warn_bound', warn_bound)
        self.info_bound = self._bound('info_bound', info_bound)

    def _bound(self, option, value):
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
            self.problems.append('%s must be a finite number, not %r' % (option, value))
            return None
        return value


class LowerBoundCondition(_BoundCondition):
    """An alert while a number is below a bound: LowerBoundCondition('rate', error_bound=10, message='Rate too low')."""

    kind = 'lower_bound'


class UpperBoundCondition(_BoundCondition):
    """An alert while a number is above a bound: UpperBoundCondition('temperature', error_bound=85, message='Too hot')."""

    kind = 'upper_bound'


class ValueCondition(AlertCondition):
    """An alert while an attribute has one of some values: ValueCondition('status', error_states=['FAILED'])."""

    kind = 'value'
    suffix = 'states'

    def __init__(self, attribute, error_states=(), warn_states=(), info_states=(), message=None, id=None, **unknown):
        super().__init__(attribute, message, id, **unknown)
        self.error_states = self._states('error_states', error_states)
        self.warn_states = self._states('warn_states', warn_states)
        self.info_states = self._states('info_states', info_states)

    def _states(self, option, states):
        if states is None:
            return []
        if not isinstance(states, (list, tuple)):
            self.problems.append('%s must be a list of values, not %r' % (option, states))
            return []
        return list(states)


#: The name that one example of the guide uses for ValueCondition.
AttrValAlertCondition = ValueCondition
