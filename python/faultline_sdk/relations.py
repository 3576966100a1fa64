"""Relations (guide, "Correlating Controller Resources with Linux Devices Using Relations").

A provider and a subscriber whose named attributes have equal values are linked: the provider becomes a parent of the
subscriber. A null matches nothing, and a resource never links to itself.
"""

from . import rules
from .errors import declared_at


class Relation:
    """A target, which is a resource class or a pair (plugin name, class name), and the attributes that must match."""

    #: The relation's kind in the protocol.
    kind = ''

    def __init__(self, option, target, attributes, ignorecase):
        self.target = target
        # A bare string names one attribute, as in the guide's text.
        self.attributes = [attributes] if isinstance(attributes, str) else attributes
        self.ignorecase = bool(ignorecase)
        self.at = declared_at()
        self.problems = []
        if not isinstance(target, type) and not (
                isinstance(target, (tuple, list)) and len(target) == 2 and all(isinstance(t, str) and t for t in target)):
            self.say("%s must be a resource class or a pair ('plugin', 'Class'), not %r" % (option, target))
        if not isinstance(self.attributes, (list, tuple)) or not self.attributes \
                or not all(isinstance(a, str) for a in self.attributes):
            self.say('attributes of a relation must be one or more attribute names, not %r' % (attributes,))
            self.attributes = []

    def say(self, text, fix=''):
        """Note something wrong with the declaration."""
        self.problems.append((rules.RELATION_FORM, text, fix))


class Provide(Relation):
    """Resources of this class are parents of the matching resources of the class provide_to."""

    kind = 'provide'

    def __init__(self, provide_to=None, attributes=None, ignorecase=False):
        super().__init__('provide_to', provide_to, attributes, ignorecase)


class Subscribe(Relation):
    """Matching resources of the class subscribe_to are parents of resources of this class."""

    kind = 'subscribe'

    def __init__(self, subscribe_to=None, attributes=None, ignorecase=False):
        super().__init__('subscribe_to', subscribe_to, attributes, ignorecase)
