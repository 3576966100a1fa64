"""One session: the resources that a plugin reported for one root, and what changed since the last turn.

Nothing is compared to find changes. Every assignment, report, removal and link leaves a note here, so a turn costs what
its changes cost and an unchanged turn costs nothing. One lock guards all of a session's state; any thread may call the
methods. The thread that serves the session ends the turns (see worker.py).
"""

import threading
import time
from _thread import get_ident

from . import model
from .errors import ValidationError
from .model import NEW, PARENTS, Resource, bind, describe, invalid, set_dirty, set_handle, set_parents, set_session, store

_new = object.__new__


class Session:
    """The state of one session. ``wake`` is called, with the lock held, when a change arrives outside a hook; ``now``
    returns the time of samples in seconds.
    """

    def __init__(self, name, root, lock=None, wake=lambda: None, now=time.time):
        self.name = name
        self.root = root
        #: Guards everything here. Reentrant, so that get_label may read what it likes.
        self.lock = lock or threading.RLock()
        #: The thread whose hook is running, or None. Set by the worker, under the lock.
        self.hook_thread = None
        #: Turns sent so far.
        self.turns = 0
        self.wake, self.now = wake, now
        #: What happened in this turn, in order: a resource that was reported, linked or cleared of a reference, and
        #: (handle, class, key) for a removal.
        self.events = []
        #: Resources that were changed by plain assignment before anything else happened to them in this turn.
        self.assigned = []
        self.samples = []
        #: What the first scan could not read, for people; its turn is not complete if there is anything.
        self.gaps = []
        #: Resources that a thread other than the hook's made and that the host does not know yet. They may be incomplete
        #: for a moment, which fails no turn.
        self.foreign = set()
        #: Those of them that were incomplete at the end of a hook's turn: whether the log says so already.
        self.unfinished = {}
        #: The last sent labels of resources whose class has its own get_label.
        self.labels = {}
        self._index = {}     # class → key → resource
        self._holders = {}   # resource → {resource that refers to it: None}
        self._handles = 0
        bind(root, self, 0, (), None)
        info = root._fl_info
        if info.identity:
            self._index[type(root)] = {info.key_of(root): root}

    # What authors call, by way of Plugin and Resource.

    def report(self, klass, parents, attrs, made=None):
        """Report a resource; see Plugin.update_or_create. made is the object to be it, if it is new and there is one."""
        try:
            info = klass._fl_info
        except AttributeError:
            raise TypeError('update_or_create needs a resource class, not %r' % (klass,)) from None
        if parents.__class__ is not list:
            parents = _as_list(parents)
        checks = info.checks
        values = {}
        nulls = samples = None
        name = value = None
        try:
            for name, value in attrs.items():
                stored = checks[name](value)
                if stored is None:
                    nulls = (nulls or []) + [name]
                else:
                    values[name] = stored
        except ValueError as e:
            raise invalid(info, name, value, e, attrs) from None
        except KeyError:
            values, nulls, samples = _sort_out(info, attrs)
        try:
            key = info.key(values)
        except (KeyError, TypeError):  # an identifying attribute is missing, or there is no identifier at all
            key = info.identify(values)
        with self.lock:
            for parent in parents:
                self._own(parent, 'a parent')
            for name in info.references:
                if name in values:
                    self._own(values[name], '%s.%s' % (info.name, name))
            index = self._index.get(klass)
            if index is None:
                index = self._index[klass] = {}
            resource = index.get(key)
            created = resource is None
            if created:
                resource = self._create(klass, info, index, key, values, parents, made)
            else:
                known = vars(resource)
                for name, value in values.items():
                    if name not in known or known[name] != value:
                        self._store(resource, name, value, self.events)
                for name in nulls or ():
                    if name in known:
                        self._store(resource, name, None, self.events)
                for parent in parents:
                    if parent not in resource._fl_parents:
                        self.link(resource, parent, True)
            for name, value in samples or ():
                self.sample(resource, name, value)
        return resource, created

    def adopt(self, resource, parents):
        """Report a resource that the author made; see Plugin.register_resource."""
        if not isinstance(resource, Resource):
            raise TypeError('register_resource needs a resource, not %r' % (resource,))
        if resource._fl_session not in (None, self):
            raise ValueError('%s is a resource of another session' % describe(resource))
        klass = type(resource)
        attrs = {n: vars(resource)[n] for n in klass._fl_info.attributes if n in vars(resource)}
        parents = list(resource._fl_parents) + [p for p in _as_list(parents) if p not in resource._fl_parents]
        return self.report(klass, parents, attrs, resource)[0]

    def assign(self, resource, name, value):
        """Assign a checked value to an attribute of a reported resource."""
        with self.lock:
            known = vars(resource)
            old = known.get(name)
            if old == value:
                return
            info = resource._fl_info
            if name in info.identity and resource._fl_session is self:
                raise ValidationError('%s.%s identifies %s and cannot change to %r; remove the resource and report a new one'
                                      % (info.name, name, describe(resource), value), name)
            if value is not None and name in info.references:
                self._own(value, '%s.%s' % (info.name, name))
            self._store(resource, name, value, self.assigned)

    def sample(self, resource, name, value):
        """Add a sample of a statistic, at the present time."""
        with self.lock:
            if resource._fl_session is self:
                self.samples.append((resource, name, int(self.now() * 1000), value))
                self._touched()

    def link(self, resource, parent, present):
        """Add or remove a parent."""
        with self.lock:
            if resource._fl_session is not self:
                return  # it was removed, perhaps by another thread just now
            if present:
                self._own(parent, 'a parent')
                if parent is resource:
                    raise ValueError('%r cannot be its own parent' % resource)
            parents = resource._fl_parents
            if present == (parent in parents):
                return
            self._note(resource, PARENTS, parents, self.events)
            kept = tuple(p for p in parents if p is not parent and p._fl_session is self)
            set_parents(resource, kept + (parent,) if present else kept)

    def remove(self, resource):
        """Remove a resource; what refers to it by a mandatory attribute goes with it. Return whether it was there."""
        with self.lock:
            if resource._fl_session is not self:
                return False
            if resource is self.root:
                raise ValueError('the root resource cannot be removed by its plugin')
            info = type(resource)._fl_info
            # Out of the index first: resources that refer to each other in a circle must not send us round it.
            key = info.key_of(resource)
            del self._index[type(resource)][key]
            set_session(resource, None)
            for holder in list(self._holders.pop(resource, ())):
                self._release(holder, resource)
            for name in info.references:
                self._unhold(resource, vars(resource).get(name))
            self.labels.pop(resource, None)
            self.foreign.discard(resource)
            self.unfinished.pop(resource, None)
            if resource._fl_dirty is not NEW:
                self.events.append((resource._fl_handle, type(resource), key))
            self._touched()
            return True

    def find(self, klass, attrs):
        """Return an iterator over the resources of exactly klass that have the given values."""
        info = getattr(klass, '_fl_info', None)
        if info is None:
            raise TypeError('find_by_attr needs a resource class, not %r' % (klass,))
        wanted = info.checked(attrs)
        with self.lock:
            index = self._index.get(klass, {})
            if info.identity and all(wanted.get(n) is not None for n in info.identity):
                one = index.get(info.key(wanted))
                candidates = [] if one is None else [one]
            else:
                candidates = list(index.values())
        return self._matching(candidates, wanted)

    def report_again(self, handles):
        """Make resources that the host deleted new to it, and return how many there are.

        What the plugin did not remove is still there: each is put under a new handle, and what refers to it or has it as
        a parent says so once more (protocol/SPEC.md, section 5).
        """
        with self.lock:
            handles = {h for h in handles if isinstance(h, int)}
            known = sorted((r for index in self._index.values() for r in index.values() if r._fl_dirty is not NEW),
                           key=lambda r: r._fl_handle)
            lost = [r for r in known if r._fl_handle in handles and r is not self.root]
            for resource in lost:
                self._handles += 1
                set_handle(resource, self._handles)
                set_dirty(resource, NEW)
                self.events.append(resource)
            if lost:
                gone = frozenset(lost)
                for resource in known:
                    if resource not in gone:
                        self._forget(resource, gone)
                self._touched()
            return len(lost)

    def _forget(self, resource, lost):
        """Note that the host does not know the lost resources as parents of this one, nor its references to them."""
        info, values = resource._fl_info, vars(resource)
        dirty = dict(resource._fl_dirty or {})
        before = dirty.get(PARENTS, resource._fl_parents)
        if not lost.isdisjoint(before):
            dirty[PARENTS] = tuple(p for p in before if p not in lost)
        for name in info.references:
            if name not in info.identity and values.get(name) in lost:
                dirty[name] = None
        if dirty != (resource._fl_dirty or {}):
            set_dirty(resource, dirty)
            self.events.append(resource)

    def note_gap(self, text):
        """Note what the first scan could not read; see Plugin.incomplete. After the first turn it does nothing."""
        with self.lock:
            if not self.turns:
                self.gaps.append(text)

    # The rest is for this package.

    def _matching(self, candidates, wanted):
        for resource in candidates:
            known = vars(resource)
            if resource._fl_session is self and all(known.get(n) == v for n, v in wanted.items()):
                yield resource

    def _create(self, klass, info, index, key, values, parents, made):
        if made is not None:
            resource = made
        elif info.own_init:
            resource = klass(**values)
        else:
            resource = _new(klass)
        vars(resource).update(values)
        self._handles += 1
        bind(resource, self, self._handles, tuple(dict.fromkeys(parents)) if parents else (), NEW)
        index[key] = resource
        for name in info.references:
            self._hold(resource, values.get(name))
        if get_ident() != self.hook_thread:
            self.foreign.add(resource)
        self.events.append(resource)
        self._touched()
        return resource

    def _store(self, resource, name, value, where):
        """Store a changed value and note the old one; where is self.events or self.assigned. The lock is held."""
        known = vars(resource)
        old = known.get(name)
        if resource._fl_session is self:
            self._note(resource, name, old, where)
            if name in resource._fl_info.references:
                store(resource, name, value)
                self._unhold(resource, old)
                self._hold(resource, value)
        store(resource, name, value)

    def _note(self, resource, name, old, where):
        """Note that an attribute, or PARENTS, is about to change."""
        dirty = resource._fl_dirty
        if dirty is None:
            set_dirty(resource, {name: old})
            where.append(resource)
        elif dirty is not NEW and name not in dirty:
            dirty[name] = old
            if name is PARENTS:
                where.append(resource)  # once more, if only its assignments are noted yet
        self._touched()

    def _touched(self):
        if self.hook_thread is None:
            self.wake()

    def _own(self, resource, role):
        """Raise unless the resource is one of this session."""
        if not isinstance(resource, Resource):
            raise TypeError('%s must be a resource, as update_or_create returns it, not %s' % (
                role, type(resource).__name__))
        if resource._fl_session is not self:
            raise ValueError('%s, %s, was removed or never reported in this session' % (role, describe(resource)))

    def _hold(self, holder, target):
        if target is not None:
            self._holders.setdefault(target, {})[holder] = None

    def _unhold(self, holder, target):
        """Forget that holder refers to target, unless another attribute of it still does."""
        holders = self._holders.get(target)
        if holders is None:
            return
        gone = holder._fl_session is not self
        if gone or not any(vars(holder).get(n) is target for n in holder._fl_info.references):
            holders.pop(holder, None)
            if not holders:
                del self._holders[target]

    def _release(self, holder, target):
        """Do to the holder of a reference what the target's removal means for it (guide, "ResourceReference")."""
        if holder._fl_session is not self:
            return
        info = holder._fl_info
        for name in info.references:
            if vars(holder).get(name) is target:
                if not info.attributes[name].optional and holder is not self.root:
                    self.remove(holder)
                    return
                self._note(holder, name, target, self.events)
                store(holder, name, None)


def open_root(klass, attributes):
    """Return the root resource of a session from its stored attributes, which are plain JSON values.

    Names that the class no longer declares are left out, as are references, which point at resources of other sessions.
    A mandatory attribute that the store lacks gets its default. A bad or missing value is a ValidationError.
    """
    info = klass._fl_info
    root = _new(klass)
    bind(root, None, 0, (), None)
    for name, value in attributes.items():
        if name in info.checks and name not in info.references and value is not None:
            store(root, name, info.checked({name: value})[name])
    for name, attribute in info.attributes.items():
        if attribute.optional or name in vars(root) or name in info.references:
            continue
        if attribute.default is None:
            raise ValidationError('%s.%s has no value, and it is mandatory' % (info.name, name), name)
        store(root, name, model.default(info, attribute, vars(root)))
    return root


def _as_list(parents):
    """Return parents given in any form as a list."""
    if parents is None:
        return []
    if isinstance(parents, Resource):
        raise TypeError('parents must be a list of resources: write parents=[...]')
    return list(parents)


def _sort_out(info, attrs):
    """Split attributes from statistics among the keyword arguments of update_or_create."""
    samples = [(n, v) for n, v in attrs.items() if n in info.statistics]
    checked = info.checked({n: v for n, v in attrs.items() if n not in info.statistics})
    out = []
    for name, value in samples:
        try:
            out.append((name, info.statistics[name].check(value)))
        except ValueError as e:
            raise invalid(info, name, value, e, attrs) from None
    return ({n: v for n, v in checked.items() if v is not None}, [n for n, v in checked.items() if v is None], out)

