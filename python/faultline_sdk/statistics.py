"""Statistic classes (guide, "Statistics"): time series and histograms that a resource reports by assignment."""

from . import rules
from .attributes import as_number
from .errors import declared_at, meant

_PERIOD = 10  # seconds; the guide's default


class BaseStatistic:
    """A statistic. sample_period: seconds between samples. units: free text, such as 'bytes/s'. label: as people see it.

    Every assignment is a new sample at the time of the assignment; a statistic cannot be read back.
    """

    #: The statistic's kind in the protocol.
    kind = ''
    name = ''

    def __init__(self, sample_period=_PERIOD, units=None, label=None, **unknown):
        self.sample_period = sample_period
        self.units = units
        self.label = label
        self.at = declared_at()
        self.problems = []
        if isinstance(sample_period, bool) or not isinstance(sample_period, int) or sample_period < 1:
            self.say(rules.SAMPLE_PERIOD, 'sample_period must be a whole number of seconds, at least 1, not %r' % (
                sample_period,))
            self.sample_period = _PERIOD
        for option, value in (('units', units), ('label', label)):
            if value is not None and not isinstance(value, str):
                self.say(rules.OPTION_VALUE, '%s must be text, not %r' % (option, value))
        if unknown:
            self.say(rules.OPTION_UNKNOWN, '%s does not take the option %s' % (type(self).__name__, ', '.join(sorted(unknown))),
                     meant(sorted(unknown)[0], ('sample_period', 'units', 'label', 'bins')))

    def say(self, rule, text, fix=''):
        """Note something wrong with the declaration."""
        self.problems.append((rule, text, fix))

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, resource, owner=None):
        if resource is None:
            return self
        raise AttributeError('%s.%s is a statistic: it can be assigned, not read' % (type(resource).__name__, self.name))

    def check(self, value):
        """Return the sample as it is sent, or raise ValueError."""
        if value is None:
            raise ValueError('must be a number')
        return as_number(value)

    def to_wire(self):
        """Return the statistic as wire.Statistic."""
        out = {'name': self.name, 'kind': self.kind, 'sample_period': self.sample_period}
        if self.label:
            out['label'] = self.label
        if self.units:
            out['unit'] = self.units
        return out


class Gauge(BaseStatistic):
    """A numerical time series that can go up or down (guide, "Gauge")."""

    kind = 'gauge'


class Counter(BaseStatistic):
    """A time series that only grows (guide, "Counter")."""

    kind = 'counter'


class BytesHistogram(BaseStatistic):
    """A histogram with fixed bins: a list of (low, high), both inclusive, or (low,) for an open end (guide, "BytesHistogram").

    The bins are of bytes unless units says otherwise. A list with one whole number a bin is assigned to it.
    """

    kind = 'histogram'

    def __init__(self, *args, **kwargs):
        bins = kwargs.pop('bins', None)
        super().__init__(*args, **kwargs)
        if self.units is None:
            self.units = 'bytes'
        self.bins = self._bins(bins)

    def _bins(self, bins):
        if not isinstance(bins, (list, tuple)) or not bins:
            self.say(rules.BINS, 'BytesHistogram needs bins', 'write bins=[(0, 512), (513, 1024), (1025,)]')
            return []
        out, last = [], None
        for one in bins:
            if not isinstance(one, (list, tuple)) or len(one) not in (1, 2) \
                    or not all(isinstance(n, int) and not isinstance(n, bool) for n in one):
                self.say(rules.BINS, 'bin %r must be (low, high) or (low,), whole numbers' % (one,))
                return []
            if one[0] > one[-1]:
                self.say(rules.BINS, 'bin %r is empty: it begins above its end' % (one,))
                return []
            if last is not None and (len(last) == 1 or one[0] <= last[1]):
                self.say(rules.BINS, 'bin %r must lie above the one before it, %r' % (one, last))
                return []
            last = one
            out.append(list(one))
        return out

    def check(self, value):
        if not isinstance(value, (list, tuple)):
            raise ValueError('must be a list with one number for each of its %d bins' % len(self.bins))
        if len(value) != len(self.bins):
            raise ValueError('has %d numbers for %d bins' % (len(value), len(self.bins)))
        out = []
        for n in value:
            n = as_number(n)
            if n != int(n):
                raise ValueError('must hold whole numbers, not %r' % n)
            out.append(int(n))
        return out

    def to_wire(self):
        out = super().to_wire()
        out['bins'] = self.bins
        return out
