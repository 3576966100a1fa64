"""Identifiers (guide, "Identifiers"): which attributes tell one resource of a class from another."""

from .errors import declared_at


class BaseIdentifier:
    """The names of the identifying attributes, in their order, one by one or as one list."""

    #: The identifier's scope in the protocol.
    scope = ''

    def __init__(self, *attributes):
        # The guide speaks of a list, and writes arguments.
        one = attributes[0] if len(attributes) == 1 else None
        self.attributes = tuple(one) if isinstance(one, (list, tuple)) else attributes
        self.at = declared_at()

    def to_wire(self):
        """Return the identifier as wire.Identifier."""
        out = {'scope': self.scope}
        if self.attributes:
            out['attributes'] = list(self.attributes)
        return out


class GlobalId(BaseIdentifier):
    """One resource in the whole system for one set of values, from wherever it is reported."""

    scope = 'global'


class ScopedId(BaseIdentifier):
    """One resource under one root (a scannable resource or a host) for one set of values."""

    scope = 'scoped'


class AutoId(BaseIdentifier):
    """Made by the server for a resource that a user adds; for subclasses of ScannableResource only."""

    scope = 'auto'

    def __init__(self):
        super().__init__()
