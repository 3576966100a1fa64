"""The base of all attribute classes (guide, "Resource Attributes"): the common options, and reading an unset attribute."""

from .errors import declared_at


class BaseResourceAttribute:
    """The options that all attributes have (guide, "Resource Attributes").

    optional: the attribute may be left unassigned (null). label: the name that people see; by default the attribute's
    own name, capitalised and with spaces. hidden: no column in tables. user_read_only: set by the plugin only; demands
    optional. default: the value of a mandatory attribute that has none, or a function that is called with a dict of the
    values set so far and returns it.
    """

    #: The attribute's kind in the protocol.
    kind = ''
    #: The attribute's name, known once the class that declares it is complete.
    name = ''

    def __init__(self, optional=False, label=None, hidden=False, user_read_only=False, default=None, **unknown):
        self.optional = bool(optional)
        self.label = label
        self.hidden = bool(hidden)
        self.user_read_only = bool(user_read_only)
        self.default = default
        self._check = None
        self.at = declared_at()
        #: Texts of what is wrong with the declaration by itself.
        self.problems = []
        if unknown:
            self.problems.append('%s does not take the option %s' % (
                type(self).__name__, ', '.join(sorted(unknown))))
        if label is not None and not isinstance(label, str):
            self.problems.append('label must be text, not %r' % (label,))
        if self.user_read_only and not self.optional:
            self.problems.append('user_read_only demands optional=True: a user who adds the resource cannot give a value')

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
        if callable(self.default):
            out['default_computed'] = True
        elif self.default is not None:
            out['default'] = self.check(self.default)
        return out
