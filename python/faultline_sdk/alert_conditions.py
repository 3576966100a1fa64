"""Alert conditions (guide, "Alert Conditions"): values that are a fault. The server watches them; an author only declares.

Severities are independent: beyond both the warn and the error bound, both alerts hold. Bounds are strict.

Beyond the guide, every condition takes for_seconds: an alert is raised only when the condition has held without interruption
for so long. A bound also takes error_clear, warn_clear and info_clear: where the value must be back for the alert to end.
"""

from . import rules
from .errors import declared_at

#: The severities in the order in which the protocol and the guide name them.
SEVERITIES = ('error', 'warn', 'info')

#: The longest for_seconds, 366 days.
MAX_FOR_SECONDS = 366 * 24 * 60 * 60


class AlertCondition:
    """A watched attribute, Gauge or Counter, the message to show, and an id where two conditions would clash."""

    #: The condition's kind in the protocol.
    kind = ''
    #: What the arguments by severity are called: 'states' or 'bound'.
    suffix = ''

    def __init__(self, attribute, message=None, id=None, for_seconds=0, **unknown):
        self.attribute = attribute
        self.message = message
        self.id = id
        self.at = declared_at()
        self.problems = []
        for option, value in (('message', message), ('id', id)):
            if value is not None and not isinstance(value, str):
                self.say('%s of an alert condition must be text, not %r' % (option, value))
        self.for_seconds = self._number('for_seconds', for_seconds) or 0
        if not 0 <= self.for_seconds <= MAX_FOR_SECONDS:
            self.say('for_seconds must be from 0 to %d (366 days), not %r' % (MAX_FOR_SECONDS, for_seconds))
        if unknown:
            self.say('%s does not take the option %s' % (type(self).__name__, ', '.join(sorted(unknown))),
                     rule=rules.OPTION_UNKNOWN)

    def say(self, text, fix='', rule=rules.CONDITION_OPTION):
        """Note something wrong with the declaration."""
        self.problems.append((rule, text, fix))

    def _number(self, option, value):
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
            self.say('%s must be a finite number, not %r' % (option, value))
            return None
        return value

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
        if self.for_seconds:
            out['for_seconds'] = self.for_seconds
        return out


class _BoundCondition(AlertCondition):
    suffix = 'bound'

    def __init__(self, attribute, error_bound=None, warn_bound=None, info_bound=None, message=None, id=None, *,
                 error_clear=None, warn_clear=None, info_clear=None, for_seconds=0, **unknown):
        super().__init__(attribute, message, id, for_seconds, **unknown)
        self.error_bound = self._number('error_bound', error_bound)
        self.warn_bound = self._number('warn_bound', warn_bound)
        self.info_bound = self._number('info_bound', info_bound)
        self.error_clear = self._number('error_clear', error_clear)
        self.warn_clear = self._number('warn_clear', warn_clear)
        self.info_clear = self._number('info_clear', info_clear)
        for severity, threshold in self._thresholds():
            bound = getattr(self, severity + '_bound')
            if bound is None:
                self.say('%s_clear without %s_bound: a clear threshold needs the bound that it clears' % (severity, severity))
            elif not self._fine(threshold, bound):
                self.say('%s_clear=%r is beyond %s_bound=%r: it must be on the fine side of the bound, or equal to it' % (
                    severity, threshold, severity, bound))

    def _thresholds(self):
        pairs = ((s, getattr(self, s + '_clear')) for s in SEVERITIES)
        return [(s, v) for s, v in pairs if v is not None]

    def _fine(self, value, bound):
        """Return whether the value is not beyond the bound."""
        raise NotImplementedError

    def to_wire(self):
        """Return the condition as wire.Condition."""
        out = super().to_wire()
        for severity, threshold in self._thresholds():
            out[severity + '_clear'] = threshold
        return out


class LowerBoundCondition(_BoundCondition):
    """An alert while a number is below a bound: LowerBoundCondition('rate', error_bound=10, message='Rate too low').

    With error_clear=12 the alert ends only when the number is back at 12 or above. See the module about for_seconds.
    """

    kind = 'lower_bound'

    def _fine(self, value, bound):
        return value >= bound


class UpperBoundCondition(_BoundCondition):
    """An alert while a number is above a bound: UpperBoundCondition('temperature', error_bound=85, message='Too hot').

    With error_clear=75 the alert ends only when the number is back at 75 or below. See the module about for_seconds.
    """

    kind = 'upper_bound'

    def _fine(self, value, bound):
        return value <= bound


class ValueCondition(AlertCondition):
    """An alert while an attribute has one of some values: ValueCondition('status', error_states=['FAILED']).

    With for_seconds=60 the alert is raised only when that was so for a minute.
    """

    kind = 'value'
    suffix = 'states'

    def __init__(self, attribute, error_states=(), warn_states=(), info_states=(), message=None, id=None, *, for_seconds=0,
                 **unknown):
        super().__init__(attribute, message, id, for_seconds, **unknown)
        self.error_states = self._states('error_states', error_states)
        self.warn_states = self._states('warn_states', warn_states)
        self.info_states = self._states('info_states', info_states)

    def _states(self, option, states):
        if states is None:
            return []
        if not isinstance(states, (list, tuple)):
            self.say('%s must be a list of values, not %r' % (option, states), 'write %s=[%r]' % (option, states))
            return []
        return list(states)


#: The name that one example of the guide uses for ValueCondition.
AttrValAlertCondition = ValueCondition
