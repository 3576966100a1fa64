"""The base of all attribute classes (guide, "Resource Attributes"): the common options, and reading an unset attribute."""

from . import rules
from .errors import declared_at, meant

#: The options of all attributes, for advice about others.
_OPTIONS = ('optional', 'label', 'hidden', 'user_read_only', 'default', 'min_val', 'max_val', 'max_length')


def takes(function, count):
    """Return whether a function can be called with so many positional arguments; True if that cannot be told."""
    code = getattr(function, '__code__', None)
    if code is None:
        return True
    given = count + (1 if getattr(function, '__self__', None) is not None else 0)
    defaults, kwdefaults = function.__defaults__ or (), function.__kwdefaults__ or {}
    fits = given <= code.co_argcount or code.co_flags & 0x04  # CO_VARARGS
    return bool(fits) and code.co_argcount - len(defaults) <= given and code.co_kwonlyargcount <= len(kwdefaults)


class BaseResourceAttribute:
    """The options that all attributes have (guide, "Resource Attributes").

    optional: the attribute may be left unassigned (null). label: the name that people see; by default the attribute's
    own name, capitalised and with spaces. hidden: no column in tables. user_read_only: set by the plugin only; demands
    optional. default: the value of a mandatory attribute that has none, or a function that is called with a dict of the
    values set so far and returns it. renamed_from: the name that the attribute had in older versions of the plugin, or a
    list of them with the latest first: stored resources keep their values under the new name.
    """

    #: The attribute's kind in the protocol.
    kind = ''
    #: The attribute's name, known once the class that declares it is complete.
    name = ''

    def __init__(self, optional=False, label=None, hidden=False, user_read_only=False, default=None,
                 renamed_from=(), **unknown):
        self.optional = bool(optional)
        self.label = label
        self.hidden = bool(hidden)
        self.user_read_only = bool(user_read_only)
        self.default = default
        self.renamed_from = [renamed_from] if isinstance(renamed_from, str) else list(renamed_from or ())
        self._check = None
        self.at = declared_at()
        #: What is wrong with the declaration by itself: triples of rule, text and fix.
        self.problems = []
        if unknown:
            self.say(rules.OPTION_UNKNOWN, '%s does not take the option %s' % (
                type(self).__name__, ', '.join(sorted(unknown))), meant(sorted(unknown)[0], _OPTIONS))
        if label is not None and not isinstance(label, str):
            self.say(rules.OPTION_VALUE, 'label must be text, not %r' % (label,))
        for old in self.renamed_from:
            if not isinstance(old, str) or not old.isidentifier() or not old.isascii():
                self.say(rules.RENAMED, 'renamed_from must hold names that the attribute had, not %r' % (old,))
        if self.user_read_only and not self.optional:
            self.say(rules.READ_ONLY_MANDATORY, 'user_read_only demands optional=True: a user who adds the resource cannot give '
                     'a value', 'add optional=True, or leave user_read_only out')
        if callable(default) and not takes(default, 1):
            self.say(rules.DEFAULT_INVALID, 'a function as default is called with one argument, a dict of the values set so far',
                     'write default=lambda values: ...')

    def say(self, rule, text, fix=''):
        """Note something wrong with the declaration."""
        self.problems.append((rule, text, fix))

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, resource, owner=None):
        # A value that is set stands in the instance's own dictionary, which Python asks first: this is no data
        # descriptor. So only unset attributes come here.
        if resource is None:
            return self
        if self.optional:
            return None
        if self.default is not None:
            return self.default_for(vars(resource))
        raise AttributeError('%s.%s has no value yet' % (type(resource).__name__, self.name))

    def default_for(self, values):
        """Return the default value, checked. A computed default sees a copy of the values that are set so far."""
        value = self.default
        if callable(value):
            value = value({k: v for k, v in values.items() if not k.startswith('_')})
        return self.check(value)

    @property
    def check(self):
        """The check of this attribute: value → stored value, or ValueError. Made at the first use."""
        if self._check is None:
            self._check = self.make_check()
        return self._check

    def make_check(self):
        """Return the check. Subclasses define it."""
        raise NotImplementedError

    def null(self):
        """Return None for an optional attribute, else raise ValueError."""
        if self.optional:
            return None
        raise ValueError('must have a value; only an optional attribute can be None')

    def to_wire(self):
        """Return the attribute as wire.Attribute."""
        out = {'name': self.name, 'kind': self.kind}
        if self.label:
            out['label'] = self.label
        if self.optional:
            out['optional'] = True
        if self.hidden:
            out['hidden'] = True
        if self.user_read_only:
            out['user_read_only'] = True
        if self.renamed_from:
            out['renamed_from'] = self.renamed_from
        if callable(self.default):
            out['default_computed'] = True
        elif self.default is not None:
            out['default'] = self.check(self.default)
        return out
