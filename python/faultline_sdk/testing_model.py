"""What the fake host of faultline_sdk.testing knows: the resources of one session, kept as a server keeps them.

Batches come in as they stand on the wire. What a server would refuse, a cycle among the parents for example, is an
AssertionError that says so.
"""


class Clock:
    """A clock that stands still until it is told to move. It may be used from any thread."""

    def __init__(self, now=1767225600.0):  # 2026-01-01 00:00:00 UTC
        self._now = float(now)

    def now(self):
        """Return the time in seconds since 1970-01-01 UTC."""
        return self._now

    def advance(self, seconds):
        """Move the clock on. Alerts that wait for a condition to last (for_seconds) are raised when it is time."""
        if seconds < 0:
            raise ValueError('a clock only moves on; %r seconds are less than none' % (seconds,))
        self._now += seconds


class Sample(tuple):
    """One sample of a statistic: (time, value). Time is in seconds; the value of a histogram is a list."""

    __slots__ = ()

    #: When the plugin assigned it, in seconds since 1970-01-01 UTC.
    time = property(lambda self: self[0])
    #: The number, or for a histogram the list of numbers.
    value = property(lambda self: self[1])


class Reported:
    """A resource as the server knows it: what the plugin sent, not what it holds.

    ``resource['status']`` is the value of an attribute, None if it has none; a reference is the Reported that it means.
    It follows later turns. Two are equal only if they are the same.
    """

    def __init__(self, handle, class_name):
        #: The session's number for it; the root is 0.
        self.handle = handle
        #: The name of its class.
        self.class_name = class_name
        #: The attributes that have a value, by name.
        self.attributes = {}
        #: What the author's get_label returned, or None if the class has none and the server makes the label.
        self.label = None
        #: The resources whose problems are its problems, in the order in which they were added.
        self.parents = []
        #: True once it was removed.
        self.removed = False
        self._samples = {}

    def __getitem__(self, name):
        return self.attributes.get(name)

    def samples(self, statistic):
        """Return the samples of a statistic as a list of Sample, oldest first."""
        return list(self._samples.get(statistic, ()))

    def last(self, statistic):
        """Return the value of the last sample of a statistic, or None."""
        found = self._samples.get(statistic)
        return found[-1].value if found else None

    def has(self, attributes):
        """Return whether all of these attributes have these values; None stands for no value."""
        return all(same(self.attributes.get(n), v) for n, v in attributes.items())

    def __repr__(self):
        shown = ['%s=%s' % (n, '%s %d' % (v.class_name, v.handle) if isinstance(v, Reported) else repr(v))
                 for n, v in sorted(self.attributes.items())]
        if self.parents:
            shown.append('parents=[%s]' % ', '.join('%s %d' % (p.class_name, p.handle) for p in self.parents))
        return '<%s %d%s%s>' % (self.class_name, self.handle, ' removed' if self.removed else '',
                                ''.join(' ' + s for s in shown))


def same(a, b):
    """Return whether two values are the same on the wire: True is not 1 there."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


class Turn:
    """What one turn sent. It is false if that is nothing, so ``assertFalse(host.update_scan())`` reads as it should."""

    def __init__(self, number=0):
        #: Its number in the session, from 1; 0 if it sent nothing.
        self.number = number
        #: Whether it was the full truth about the root.
        self.complete = False
        #: Resources that it introduced.
        self.created = []
        #: Resources of before of which something changed: attributes, label or parents.
        self.changed = []
        #: Resources that it removed.
        self.removed = []
        #: How many samples it had.
        self.samples = 0
        #: The sampled statistics, as pairs (resource, name), in the order of the last sample of each.
        self.sampled = []

    def __bool__(self):
        return self.number > 0

    def __repr__(self):
        if not self:
            return '<Turn: nothing was sent>'
        return '<Turn %d: %d created, %d changed, %d removed, %d samples>' % (
            self.number, len(self.created), len(self.changed), len(self.removed), self.samples)


class Model:
    """The resources of one session. ``classes`` are the declared ones by name. The fake host's lock guards it."""

    def __init__(self, root_class, root_attributes, classes):
        self._classes = classes
        root = Reported(0, root_class)
        root.attributes = {n: v for n, v in root_attributes.items() if v is not None}
        self.resources = {0: root}
        self.removed = []
        self.turns = []
        self._open = None  # the turn whose last part is still to come
        self._ops, self._part = [], 0

    def take(self, batch):
        """Take a batch in. Return the turn it ends, or None; the changes are made when the turn is there as a whole."""
        number, part = batch['turn'], batch['part']
        if self._open is None:
            expect((number, part) == (len(self.turns) + 1, 0), 'part %d of turn %d follows turn %d' % (
                part, number, len(self.turns)))
            self._open, self._ops, self._samples = Turn(number), [], []
        else:
            expect((number, part) == (self._open.number, self._part + 1), 'part %d of turn %d follows part %d of turn %d' % (
                part, number, self._part, self._open.number))
        self._part = part
        self._ops += batch.get('ops', ())
        self._samples += batch.get('samples', ())
        if not batch.get('last'):
            return None
        turn, self._open = self._open, None
        turn.complete = bool(batch.get('complete'))
        self.turns.append(turn)
        self._apply(turn)
        return turn

    def _apply(self, turn):
        created, changed, sampled = {}, {}, {}  # by handle
        # What a turn puts may be named by ops that stand before.
        for op in self._ops:
            if op['op'] == 'put':
                expect(op['h'] not in self.resources, 'handle %d is put twice' % op['h'])
                expect(op['class'] in self._classes, 'a resource of class %s was reported, which the plugin does not declare: '
                       'a class belongs in the module of the plugin class, or into start(plugin, root_class, [classes])'
                       % op['class'])
                created[op['h']] = self.resources[op['h']] = Reported(op['h'], op['class'])
        for op in self._ops:
            resource = self.resources.get(op['h'])
            expect(resource is not None, '%s of handle %d, which does not exist' % (op['op'], op['h']))
            if op['op'] == 'remove':
                self._remove(resource, turn)
                continue
            self._change(resource, op)
            if op['h'] not in created:
                changed[op['h']] = resource
        for s in self._samples:
            resource = self.resources.get(s['h'])
            expect(resource is not None, 'a sample of %s is of handle %d, which does not exist' % (s['name'], s['h']))
            resource._samples.setdefault(s['name'], []).append(Sample((s['t'] / 1000, s['v'])))
            sampled.pop((s['h'], s['name']), None)
            sampled[s['h'], s['name']] = resource, s['name']
        turn.samples = len(self._samples)
        turn.created = [r for r in created.values() if not r.removed]
        turn.changed = [r for r in changed.values() if not r.removed]
        turn.sampled = list(sampled.values())
        self._check(turn)

    def delete(self, resource):
        """Forget a resource that the server deleted from outside the session, and what is said of it."""
        del self.resources[resource.handle]
        resource.removed = True
        for other in self.resources.values():
            other.parents = [p for p in other.parents if p is not resource]
            other.attributes = {n: v for n, v in other.attributes.items() if v is not resource}

    def _remove(self, resource, turn):
        expect(resource.handle != 0, 'the root cannot be removed')
        resource.removed = True
        del self.resources[resource.handle]
        self.removed.append(resource)
        turn.removed.append(resource)

    def _change(self, resource, op):
        for name, value in op.get('attributes', {}).items():
            if isinstance(value, dict):
                value = self._named(value['$ref'], '%s of %r' % (name, resource))
            if value is None:
                resource.attributes.pop(name, None)
            else:
                resource.attributes[name] = value
        if 'label' in op:
            resource.label = op['label']
        for handle in op.get('parents', []) + op.get('add', []):
            parent = self._named(handle, 'a parent of %r' % resource)
            if parent not in resource.parents:
                resource.parents.append(parent)
        for handle in op.get('remove', []):
            resource.parents = [p for p in resource.parents if p.handle != handle]

    def _named(self, handle, what):
        expect(handle in self.resources, '%s is handle %d, which does not exist' % (what, handle))
        return self.resources[handle]

    def _check(self, turn):
        """Look at the state at the end of a turn."""
        if turn.removed:
            for resource in self.resources.values():
                resource.parents = [p for p in resource.parents if not p.removed]
                for name, value in resource.attributes.items():
                    expect(not (isinstance(value, Reported) and value.removed),
                           '%s of %r refers to a removed resource' % (name, resource))
        if turn.created or turn.changed:
            circle = cycle(self.resources.values(), lambda r: r.parents)
            expect(circle is None, 'the parents form a cycle, and the server refuses the turn: %s'
                   % ' → '.join('%s %d' % (r.class_name, r.handle) for r in circle or ()))


def expect(condition, text):
    """Raise an AssertionError unless the condition holds."""
    if not condition:
        raise AssertionError(text)


def cycle(resources, following):
    """Return the resources of a cycle, its first one again at the end, or None. following(resource) names the next ones."""
    on_path, done = 1, 2
    state = {}
    for start in resources:
        if id(start) in state:
            continue
        state[id(start)] = on_path
        path, rest = [start], [iter(following(start))]
        while path:
            step = next(rest[-1], None)
            if step is None:
                state[id(path.pop())] = done
                rest.pop()
            elif state.get(id(step)) == on_path:
                return path[path.index(step):] + [step]
            elif id(step) not in state:
                state[id(step)] = on_path
                path.append(step)
                rest.append(iter(following(step)))
    return None


def key(resource, classes):
    """Return the identity of a resource as text. classes has the ClassInfo of each class by name."""
    if resource.handle == 0:
        return 'root'
    info = classes[resource.class_name]
    parts = [resource.class_name]
    for name in info.identity:
        value = resource[name]
        parts.append('%s=%s' % (name, '(%s)' % key(value, classes) if isinstance(value, Reported) else repr(value)))
    return ' '.join(parts)

