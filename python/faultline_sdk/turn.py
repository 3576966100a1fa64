"""From the changes of one turn to batches on the wire (protocol/SPEC.md, section 5)."""

import json

from .errors import ValidationError
from .model import NEW, PARENTS, describe, set_dirty, set_handle

#: The first turn of a session: its batch is complete, unless the session has gaps, and is sent even if it is empty.
FIRST = 'first'
#: A later hook that succeeded.
HOOK = 'hook'
#: A later hook that failed: its changes are sent, its removals are not.
FAILED = 'failed'
#: Changes made by the author's own threads between hooks.
BACKGROUND = 'background'

_PART = 1 << 20               # wanted size of a batch in characters
_LINE_MAX = (16 << 20) - 4096  # a line's limit in bytes, less what surrounds one op

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(',', ':')).encode


class Turn:
    """The changes of one turn, in wire form but not yet encoded."""

    __slots__ = ('session', 'number', 'complete', 'ops', 'samples')

    def __init__(self, session, number, complete, ops, samples):
        self.session, self.number, self.complete, self.ops, self.samples = session, number, complete, ops, samples


def collect(session, kind, log):
    """Take what changed out of the session and return it as a Turn, or None if there is nothing to send.

    A mandatory attribute without a value gets its default; if it has none, FIRST and HOOK raise a ValidationError and
    leave the session as it is, and FAILED leaves the resource out. What a thread of the author's is still making is held
    back for a later turn. log is the plugin's logger.
    """
    with session.lock:
        if not session.events and not session.assigned and not session.samples and kind is not FIRST:
            return None
        held = _held(session, kind, log)
        if kind is FAILED:
            _undo_removals(session)
        builder = _Builder(session, held, log)
        assigned, session.assigned = session.assigned, []
        events, session.events = session.events, []
        # Plain assignments come first, by handle, and the rest in the order of the calls: the same in every SDK.
        assigned.sort(key=lambda r: r._fl_handle)
        for resource in assigned:
            builder.assignments(resource)
        samples, session.samples = session.samples, []
        for event in events:
            if type(event) is not tuple:
                builder.changes(event)
            elif kind is not FAILED:
                builder.ops.append({'op': 'remove', 'h': event[0]})
        sent = []
        for sample in samples:
            resource, name, at, value = sample
            if resource in held:
                session.samples.append(sample)
            elif resource._fl_session is session:
                sent.append({'h': resource._fl_handle, 'name': name, 't': at, 'v': value})
        if not builder.ops and not sent and kind is not FIRST:
            return None
        session.turns += 1
        return Turn(session.name, session.turns, kind is FIRST and not session.gaps, builder.ops, sent)


class _Builder:
    """Makes the ops of one turn. The session's lock is held."""

    def __init__(self, session, held, log):
        self.session, self.held, self.log = session, held, log
        self.ops = []

    def assignments(self, resource):
        """Append the set for what was assigned to one resource; a change of its parents is left for changes()."""
        dirty = resource._fl_dirty
        if resource._fl_session is self.session and type(dirty) is dict:
            set_dirty(resource, {PARENTS: dirty[PARENTS]} if PARENTS in dirty else None)
            self._set(resource, dirty)

    def changes(self, resource):
        """Append the ops for all that changed of one resource."""
        session = self.session
        dirty = resource._fl_dirty
        if resource._fl_session is not session or dirty is None:
            return
        if resource in self.held:
            session.events.append(resource)
            return
        set_dirty(resource, None)
        if dirty is NEW:
            self._put(resource)
        else:
            self._set(resource, dirty)
            if PARENTS in dirty:
                self._link(resource, dirty[PARENTS])

    def _put(self, resource):
        info = resource._fl_info
        if info.mixed:
            values = vars(resource)
            attributes = {n: values[n] for n in info.attributes if n in values}
        else:
            attributes = vars(resource).copy()
        if info.references:
            for name in info.references:
                target = attributes.get(name)
                if target is None:
                    continue
                if target in self.held:
                    del attributes[name]
                    self._again(resource, name, None)
                else:
                    attributes[name] = {'$ref': target._fl_handle}
        op = {'op': 'put', 'h': resource._fl_handle, 'class': info.name, 'attributes': attributes}
        if info.own_label:
            label = self._label(resource)
            if label is not None:
                op['label'] = label
        parents = resource._fl_parents
        if parents:
            op['parents'] = [p._fl_handle for p in self._present(resource, parents, ())]
        if self.session.foreign:
            self.session.foreign.discard(resource)
            self.session.unfinished.pop(resource, None)
        self.ops.append(op)

    def _set(self, resource, dirty):
        info, values, changed = resource._fl_info, vars(resource), {}
        for name, old in dirty.items():
            value = None if name is PARENTS else values.get(name)
            if name is PARENTS or value == old:
                continue
            if value is not None and name in info.references:
                if value in self.held:
                    self._again(resource, name, old)
                    continue
                value = {'$ref': value._fl_handle}
            changed[name] = value
        op = {'op': 'set', 'h': resource._fl_handle}
        if changed:
            op['attributes'] = changed
            if info.own_label:
                known = self.session.labels.get(resource)
                label = self._label(resource)
                if label is not None and label != known:
                    op['label'] = label
            self.ops.append(op)

    def _link(self, resource, before):
        now = resource._fl_parents
        op = {'op': 'link', 'h': resource._fl_handle}
        added = [p._fl_handle for p in self._present(resource, now, before) if p not in before]
        dropped = [p._fl_handle for p in before if p not in now and p._fl_session is self.session]
        if added:
            op['add'] = added
        if dropped:
            op['remove'] = dropped
        if added or dropped:
            self.ops.append(op)

    def _present(self, resource, parents, before):
        """Return the parents that the host can know by the end of the turn; note the held ones for a later one."""
        present = [p for p in parents if p._fl_session is self.session and p not in self.held]
        if self.held and any(p in self.held for p in parents):
            self._again(resource, PARENTS, tuple(p for p in parents if p not in self.held))
        return present

    def _again(self, resource, name, old):
        """Note a change for the next turn, as it names a resource that is held back."""
        dirty = resource._fl_dirty
        if dirty is None:
            set_dirty(resource, {name: old})
            self.session.events.append(resource)
        else:
            dirty[name] = old

    def _label(self, resource):
        """Return the author's label. A get_label that fails is logged, and the host makes the default label instead."""
        try:
            label = resource.get_label()
            if isinstance(label, (bytes, bytearray)):  # text in Python 2
                label = label.decode('utf-8', 'replace')
            if label is not None:
                label = str(label).encode('utf-8', 'backslashreplace').decode('utf-8')
        except Exception:
            self.log.exception('get_label of %s failed', describe(resource))
            return None
        self.session.labels[resource] = label
        return label


def _held(session, kind, log):
    """Return the new resources that cannot be sent yet, after filling in defaults."""
    missing = {}
    for resource in session.events:
        if type(resource) is tuple or resource._fl_dirty is not NEW or resource._fl_session is not session:
            continue
        info, values = resource._fl_info, vars(resource)
        if (len(values) != info.count or info.mixed) and not info.mandatory <= values.keys():
            problem = _fill(session, resource)
            if problem:
                missing[resource] = problem
    if not missing:
        return ()
    if kind is FIRST or kind is HOOK:
        own = [p for r, p in missing.items() if r not in session.foreign]
        if own:
            name, text = own[0]
            raise ValidationError(text + (' (and %d more like it)' % (len(own) - 1) if len(own) > 1 else ''), name)
    if kind is HOOK:
        for resource, (_, text) in missing.items():
            if session.unfinished.get(resource) is False:
                log.warning('%s; the resource is not sent until it has one', text)
            session.unfinished[resource] = resource in session.unfinished
    # What cannot do without a resource that is held back is held back with it.
    held, grown = set(missing), True
    while grown:
        grown = False
        for resource in session.events:
            if type(resource) is not tuple and resource._fl_dirty is NEW and resource not in held:
                info, values = resource._fl_info, vars(resource)
                if any(n in info.mandatory and values.get(n) in held for n in info.references):
                    held.add(resource)
                    grown = True
    return held


def _fill(session, resource):
    """Give mandatory attributes their defaults. Return (name, text) for the first that has none, or None."""
    info, values = resource._fl_info, vars(resource)
    for name, attribute in info.attributes.items():
        if attribute.optional or name in values:
            continue
        if attribute.default is None:
            return name, '%s.%s has no value in %s, and it is mandatory' % (info.name, name, describe(resource))
        try:
            session._store(resource, name, attribute.default_for(values), session.events)
        except Exception as e:
            return name, 'the default of %s.%s failed for %s: %s' % (
                info.name, name, describe(resource), e or type(e).__name__)
    return None


def _undo_removals(session):
    """Make what was removed and reported again in a failed turn a change of the resource that the host has.

    The removal is not sent, so the host would else see a second resource of one identity.
    """
    removed = {(e[1], e[2]): e[0] for e in session.events if type(e) is tuple}
    if not removed:
        return
    for resource in session.events:
        if type(resource) is not tuple and resource._fl_dirty is NEW and resource._fl_session is session:
            info = resource._fl_info
            handle = removed.get((type(resource), info.key_of(resource)))
            if handle is not None:
                set_handle(resource, handle)
                changed = {n: NEW for n in info.attributes if n not in info.identity}
                changed[PARENTS] = ()
                set_dirty(resource, changed)


def lines(turn):
    """Yield the session/batch notifications of a turn as encoded lines of about 1 MiB each."""
    parts = _parts(turn)
    number, body = 0, next(parts)
    for following in parts:
        yield _line(turn, number, body, False)
        number, body = number + 1, following
    yield _line(turn, number, body, True)


def _line(turn, number, body, last):
    head = {'session': turn.session, 'turn': turn.number, 'part': number}
    if last:
        head['last'] = True
    if turn.complete:
        head['complete'] = True
    return ('{"jsonrpc":"2.0","method":"session/batch","params":%s%s}}\n' % (_encode(head)[:-1], body)).encode('utf-8')


def _parts(turn):
    """Yield the encoded ops and samples of each part; the last ops share a part with the first samples."""
    ops = ''
    for text in _slices(turn.ops):
        if ops:
            yield ops
        ops = ',"ops":' + text
    for text in _slices(turn.samples):
        yield ops + ',"samples":' + text
        ops = ''
    if ops or not turn.samples:
        yield ops


def _slices(items):
    """Yield the list as JSON arrays of about _PART characters; how many items that is follows from the slice before."""
    at, count = 0, 500
    while at < len(items):
        text = _encode(items[at:at + count])
        if len(text) > 2 * _PART and count > 1:
            count = max(1, count * _PART // len(text))
            continue
        if len(text) > _LINE_MAX // 4 and len(text.encode('utf-8')) > _LINE_MAX:
            raise ValidationError('the values of one resource (handle %d, class %s) make a message of more than 16 MiB'
                                  % (items[at]['h'], items[at].get('class', '?')))
        yield text
        at += count
        count = max(1, count * _PART // len(text))
