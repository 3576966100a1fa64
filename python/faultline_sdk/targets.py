"""Targets: what a scan talks to, and how gently. Off unless a class declares one."""

from .errors import declared_at


class Target:
    """The attribute of a scannable class that holds the address which its plugin talks to, and what that can bear.

    attribute is the attribute's name; its values are compared as addresses, so that two roots which name one address share
    its bounds. concurrency is how many scans of the address may run at a time, min_interval how many seconds must pass from
    the beginning of one scan to that of the next; at least one of the two is given. The server keeps scans waiting,
    first come, first served; an operator can make the bounds tighter, not wider.
    """

    def __init__(self, attribute, concurrency=None, min_interval=None):
        self.attribute, self.concurrency, self.min_interval = attribute, concurrency, min_interval
        self.at = declared_at()

    def problems(self, info):
        """Return what is wrong with the target of a class, as (text, fix)."""
        out = []
        attribute = info.attributes.get(self.attribute) if isinstance(self.attribute, str) else None
        if attribute is None:
            out.append(('the target names %r, which is no attribute of the class' % (self.attribute,), ''))
        elif attribute.kind not in ('string', 'hostname', 'path'):
            out.append(('the target names %s, which is no text' % self.attribute, 'name the attribute that holds the address'))
        if self.concurrency is None and self.min_interval is None:
            out.append(('the target has no bound', 'give concurrency= or min_interval='))
        if self.concurrency is not None and (type(self.concurrency) is not int or self.concurrency < 1):
            out.append(('concurrency must be a whole number from 1 on, not %r' % (self.concurrency,), ''))
        number = isinstance(self.min_interval, (int, float)) and not isinstance(self.min_interval, bool)
        if self.min_interval is not None and not (number and 0 < self.min_interval <= MAX_INTERVAL):
            out.append(('min_interval must be a number of seconds from 0 to %d, not %r' % (MAX_INTERVAL, self.min_interval), ''))
        return out

    def to_wire(self):
        """Return the target as wire.Target."""
        out = {'attribute': self.attribute}
        if self.concurrency is not None:
            out['concurrency'] = self.concurrency
        if self.min_interval is not None:
            out['min_interval'] = self.min_interval
        return out


#: The longest min_interval, a day, in seconds.
MAX_INTERVAL = 24 * 60 * 60
