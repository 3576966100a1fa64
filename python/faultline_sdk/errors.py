"""Errors that authors see, and the place of a declaration in their source."""

import sys


class ValidationError(ValueError):
    """A value breaks its attribute's rules, or a mandatory attribute has no value.

    ``attribute`` is the name of the attribute at fault, or None.
    """

    def __init__(self, text, attribute=None):
        super().__init__(text)
        self.attribute = attribute


class UnknownAttributeError(AttributeError):
    """A name was assigned or passed that the class does not declare."""

    def __init__(self, info, name):
        known = ', '.join(list(info.attributes) + list(info.statistics)) or 'none'
        super().__init__('%s has no attribute or statistic %r; it declares: %s' % (info.name, name, known))
        self.attribute = name


class Problem:
    """One thing wrong with a plugin's declarations. ``where`` is 'Class', 'Class.attribute' or empty."""

    __slots__ = ('file', 'line', 'where', 'text')

    def __init__(self, text, where='', at=None):
        self.file, self.line = at or ('', 0)
        self.where = where
        self.text = text

    def to_wire(self):
        """Return the problem as wire.Problem."""
        out = {'text': self.text}
        if self.file:
            out['file'] = self.file
        if self.line:
            out['line'] = self.line
        if self.where:
            out['where'] = self.where
        return out

    def __repr__(self):
        return '%s:%s: %s: %s' % (self.file, self.line, self.where, self.text)


class PluginError(Exception):
    """The plugin cannot be used; ``problems`` says why, completely."""

    def __init__(self, problems):
        super().__init__('; '.join(p.text for p in problems))
        self.problems = problems


def declared_at():
    """Return (file, line) of the nearest caller outside this package: the author's declaration."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get('__name__', '').startswith('faultline_sdk.'):
        frame = frame.f_back
    if frame is None:
        return None
    return frame.f_code.co_filename, frame.f_lineno
