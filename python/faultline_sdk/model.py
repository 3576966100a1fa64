"""Resource classes and their instances (guide, "Declaring Resources").

A class body declares attributes and statistics; the metaclass compiles it into a ClassInfo once, and instances stay light:
the values of a resource are the plain contents of its ``__dict__``, so reading one is ordinary Python. Only assignment is
intercepted: it checks the value and tells the session, which thereby knows what changed without comparing anything.
"""

from operator import itemgetter

from .attribute import BaseResourceAttribute
from .errors import UnknownAttributeError, ValidationError, declared_at
from .statistics import BaseStatistic

#: Every resource class in the order of definition, built-in ones included.
classes = []

#: What ``class Meta`` may hold.
META_NAMES = ('identifier', 'label', 'alert_conditions', 'relations', 'charts', 'target')


class ClassInfo:
    """What the SDK needs of one resource class, compiled from its declaration and those of its bases.

    Everything but identifier and label is inherited. Nothing here raises for a wrong declaration: faultline_sdk.checks
    looks for all problems at once, when the plugin is loaded.
    """

    def __init__(self, klass, at):
        self.klass, self.name, self.at = klass, klass.__name__, at
        self.meta = vars(klass).get('Meta')
        self.attributes, self.statistics = {}, {}
        for base in reversed(klass.__mro__):
            for name, member in vars(base).items():
                if isinstance(member, (BaseResourceAttribute, BaseStatistic)):
                    # A member of the same name replaces the inherited one and stands where it is declared.
                    self.attributes.pop(name, None)
                    self.statistics.pop(name, None)
                    kind = self.attributes if isinstance(member, BaseResourceAttribute) else self.statistics
                    kind[name] = member
        self.identifier = getattr(self.meta, 'identifier', None)
        self.label = getattr(self.meta, 'label', None)
        self.conditions = self._gather('alert_conditions')
        self.relations = self._gather('relations')
        self.charts = self._gather('charts')
        metas = [vars(base).get('Meta') for base in klass.__mro__]
        self.target = next((meta.target for meta in metas if hasattr(meta, 'target')), None)
        self.own_identity = getattr(self.identifier, 'attributes', None) or ()
        #: Names of the identifying attributes, as far as they exist.
        self.identity = tuple(n for n in self.own_identity if n in self.attributes)
        #: Returns a resource's key within its class from a dict of its values.
        self.key = itemgetter(*self.identity) if self.identity else None
        self.checks = {n: a.check for n, a in self.attributes.items()}
        self.references = tuple(n for n, a in self.attributes.items() if a.kind == 'reference')
        self.mandatory = frozenset(n for n, a in self.attributes.items() if not a.optional)
        self.count = len(self.attributes)
        #: True once an instance got an underscore name of the author's in its __dict__, beside the values.
        self.mixed = False
        self.own_label = self.own_init = False  # set by ResourceType, once Resource exists

    def _gather(self, name):
        """Return the members of a list in Meta, inherited ones first; a list on the class itself counts for charts."""
        out = []
        for base in reversed(self.klass.__mro__):
            for holder in (vars(base).get('Meta'), base if name == 'charts' else None):
                value = vars(holder).get(name) if holder is base else getattr(holder, name, None)
                if isinstance(value, (list, tuple)):
                    out.extend(v for v in value if not any(v is o for o in out))
        return out

    def key_of(self, resource):
        """Return the key of a reported resource."""
        values = vars(resource)
        try:
            return self.key(values)
        except KeyError:  # an optional attribute without a value identifies it too
            return self.identify(values)

    def identify(self, values):
        """Return the key for values that lack an identifying attribute, after adding defaults and nulls to them."""
        if not self.identity:
            raise ValidationError('%s cannot be reported: it has no identifier made of attributes' % self.name)
        for name in self.identity:
            if name not in values:
                attribute = self.attributes[name]
                if not attribute.optional and attribute.default is None:
                    raise ValidationError('%s.%s identifies the resource and must be given' % (self.name, name), name)
                if not attribute.optional:
                    values[name] = default(self, attribute, values)
        if len(self.identity) == 1:
            return values.get(self.identity[0])
        return tuple(values.get(n) for n in self.identity)

    def checked(self, attrs):
        """Return the checked values of a dict of attributes; nulls map to None. Raise for a bad or unknown name."""
        out = {}
        for name, value in attrs.items():
            try:
                out[name] = self.checks[name](value)
            except ValueError as e:
                raise invalid(self, name, value, e, attrs) from None
            except KeyError:
                raise UnknownAttributeError(self, name) from None
        return out


def invalid(info, name, value, cause, known):
    """Return the error for a value that breaks a rule: it names class, identity, attribute, value and rule.

    ``known`` has the values of the resource at fault; without its identity, the class must do.
    """
    attribute = info.attributes.get(name)
    shown = '...' if attribute is not None and attribute.kind == 'password' else repr(value)
    if len(shown) > 100:
        shown = shown[:97] + '...'
    where = ''
    if info.identity and name not in info.identity and all(known.get(n) is not None for n in info.identity):
        where = ' in ' + describe_values(info, known)
    return ValidationError('%s.%s = %s%s: %s' % (info.name, name, shown, where, cause), name)


def default(info, attribute, values):
    """Return the checked default of a mandatory attribute, or raise ValidationError."""
    try:
        return attribute.default_for(values)
    except ValueError as e:
        raise ValidationError('default of %s.%s: %s' % (info.name, attribute.name, e), attribute.name) from e


class ResourceType(type):
    """The class of resource classes: it compiles and records every declaration."""

    def __init__(cls, name, bases, namespace, **kwargs):
        super().__init__(name, bases, namespace, **kwargs)
        info = cls._fl_info = ClassInfo(cls, declared_at())
        if bases:
            info.own_label = cls.get_label is not Resource.get_label
            info.own_init = cls.__init__ is not Resource.__init__
        classes.append(cls)


#: The state of a resource that the host has not been told of yet; see Resource._fl_dirty.
NEW = object()

#: The key in a dirty dict under which the parents before the turn stand. No attribute has this name.
PARENTS = None


class Resource(metaclass=ResourceType):
    """The base of all resource classes. Plugins get instances from Plugin.update_or_create.

    Attributes are read and assigned as plain attributes; statistics are assigned. Assignment checks the value at once and
    schedules its transmission; assigning an equal value sends nothing. May be used from any thread.
    """

    # _fl_session: the Session that reported it; None before that and after removal.
    # _fl_handle: its number on the wire.
    # _fl_parents: tuple of its parents now.
    # _fl_dirty: None if the host knows all; NEW if it knows nothing; else a dict of what changed in this turn, from
    #   attribute name to the value before it, and from PARENTS to the parents before it.
    # All guarded by the session's lock.
    __slots__ = ('_fl_session', '_fl_handle', '_fl_parents', '_fl_dirty', '__dict__', '__weakref__')

    def __init__(self, **attrs):
        bind(self, None, -1, (), NEW)
        for name, value in attrs.items():
            setattr(self, name, value)

    def __setattr__(self, name, value):
        info = self._fl_info
        try:
            value = info.checks[name](value)
        except ValueError as e:
            raise invalid(info, name, value, e, vars(self)) from None
        except KeyError:
            _set_other(self, info, name, value)
            return
        session = self._fl_session
        if session is None:
            store(self, name, value)
        else:
            session.assign(self, name, value)

    def __delattr__(self, name):
        if name in self._fl_info.checks:
            setattr(self, name, None)
        else:
            super().__delattr__(name)

    def get_label(self):
        """Return what people call this resource (guide, "Names").

        By default that is the class label and the values of the identifier. Override it to return a text, or anything
        that str() makes one of.
        """
        info = self._fl_info
        values = (vars(self).get(n) for n in info.identity)
        parts = [v.get_label() if isinstance(v, Resource) else str(v) for v in values if v is not None]
        return ' '.join([class_label(type(self))] + [str(p) for p in parts])

    def add_parent(self, parent):
        """Say that a problem with parent is a problem with this resource. Adding a parent again changes nothing."""
        _link(self, parent, True)

    def remove_parent(self, parent):
        """Take a parent back. Removing what is no parent changes nothing."""
        _link(self, parent, False)

    def get_parents(self):
        """Return the list of this resource's parents, as far as they were not removed."""
        session = self._fl_session
        return [p for p in self._fl_parents if session is None or p._fl_session is session]

    def get_parent(self, klass):
        """Return the one parent that is of klass or a subclass. It is a ValueError if there is none or more than one."""
        found = [p for p in self.get_parents() if isinstance(p, klass)]
        if len(found) != 1:
            raise ValueError('%r has %s parent of class %s' % (
                self, 'no' if not found else 'more than one', klass.__name__))
        return found[0]

    def __repr__(self):
        return '<%s>' % describe(self)


#: The plugin's name, for default labels; the loader sets it.
plugin_name = None


def class_label(klass):
    """Return the label of a class: its own or 'plugin.Class' (guide, "Names")."""
    return klass._fl_info.label or '%s.%s' % (plugin_name or klass.__module__.split('.')[-1], klass.__name__)


def describe(resource):
    """Return "Class 'identifier'" for messages."""
    return describe_values(resource._fl_info, vars(resource))


def describe_values(info, values):
    """Return the same of a resource that is not there yet, from its values."""
    shown = ['(%s)' % describe(v) if isinstance(v, Resource) else repr(v) for v in (values.get(n) for n in info.identity)]
    return ' '.join([info.name] + shown)


# Setters of the slots that go round __setattr__.
set_session = vars(Resource)['_fl_session'].__set__
set_handle = vars(Resource)['_fl_handle'].__set__
set_parents = vars(Resource)['_fl_parents'].__set__
set_dirty = vars(Resource)['_fl_dirty'].__set__


def bind(resource, session, handle, parents, dirty):
    """Set the SDK's own state of a resource."""
    set_session(resource, session)
    set_handle(resource, handle)
    set_parents(resource, parents)
    set_dirty(resource, dirty)


def store(resource, name, value):
    """Store a checked value. A null is stored as nothing at all, so that values never hold None."""
    if value is None:
        vars(resource).pop(name, None)
    else:
        vars(resource)[name] = value


def _set_other(resource, info, name, value):
    """Assign what is no attribute: a statistic, an author's property, an author's own underscore name."""
    statistic = info.statistics.get(name)
    if statistic is not None:
        try:
            value = statistic.check(value)
        except ValueError as e:
            raise invalid(info, name, value, e, vars(resource)) from None
        session = resource._fl_session
        if session is not None:
            session.sample(resource, name, value)
    elif hasattr(getattr(type(resource), name, None), '__set__'):
        object.__setattr__(resource, name, value)
    elif name.startswith('_'):
        info.mixed = True
        vars(resource)[name] = value
    else:
        raise UnknownAttributeError(info, name)


def _link(resource, parent, present):
    if not isinstance(parent, Resource):
        raise TypeError('a parent must be a resource, as update_or_create returns it, not %s' % type(parent).__name__)
    if parent is resource:
        raise ValueError('%r cannot be its own parent' % resource)
    session = resource._fl_session
    if session is not None:
        session.link(resource, parent, present)
    elif present != (parent in resource._fl_parents):
        kept = tuple(p for p in resource._fl_parents if p is not parent)
        set_parents(resource, kept + (parent,) if present else kept)
