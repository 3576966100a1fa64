"""Errors that authors see, and the place of a declaration in their source."""

import sys

from . import rules


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
    """One thing wrong with a plugin's declarations.

    ``rule`` is the code of what is broken, one of faultline_sdk.rules. ``where`` is 'Class', 'Class.attribute' or empty.
    ``text`` says what is wrong, ``fix`` what to do, if the text does not.
    """

    __slots__ = ('rule', 'file', 'line', 'where', 'text', 'fix')

    def __init__(self, rule, text, where='', at=None, fix=''):
        self.rule = rule
        self.file, self.line = at or ('', 0)
        self.where = where
        self.text = text
        self.fix = fix

    @property
    def warning(self):
        """Whether the plugin can run in spite of the problem."""
        return self.rule in rules.WARNINGS

    def to_wire(self):
        """Return the problem as wire.Problem."""
        out = {'text': self.text, 'code': self.rule}
        if self.fix:
            out['fix'] = self.fix
        if self.warning:
            out['severity'] = 'warning'
        if self.file:
            out['file'] = self.file
        if self.line:
            out['line'] = self.line
        if self.where:
            out['where'] = self.where
        return out

    def __repr__(self):
        return '%s:%s: %s: %s; %s [%s]' % (self.file, self.line, self.where, self.text, self.fix, self.rule)


class PluginError(Exception):
    """The plugin cannot be used; ``problems`` says why, completely.

    ``draft`` and ``places`` are for a check only: what the plugin declares all the same (see faultline_sdk.manifest.draft).
    """

    def __init__(self, problems, draft=None, places=None):
        super().__init__('; '.join(p.text for p in problems))
        self.problems, self.draft, self.places = problems, draft, places


def near(a, b):
    """Return whether one word is likely a slip of the pen for the other: two letters more, less or other."""
    if abs(len(a) - len(b)) > 2 or not a or a[0] != b[0]:
        return False
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        diagonal, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            diagonal, row[j + 1] = row[j + 1], diagonal if x == y else 1 + min(diagonal, row[j], row[j + 1])
    return row[-1] <= 2


def meant(name, names, otherwise=''):
    """Return "did you mean 'x'?" if name is a slip of the pen for one of names, else the text given."""
    found = [n for n in names if near(name, n)]
    return 'did you mean %r?' % found[0] if found else otherwise


def declared_at():
    """Return (file, line) of the nearest caller outside of the SDK: the author's declaration."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get('__name__', '').startswith(('faultline_sdk.', 'chroma_agent.')):
        frame = frame.f_back
    if frame is None:
        return None
    return frame.f_code.co_filename, frame.f_lineno
