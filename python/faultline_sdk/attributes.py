"""Attribute classes (guide, "Attribute Classes"): what an attribute may hold.

Each class makes a *check*: a function from an assigned value to the value that is stored, which raises ValueError with
the broken rule as its text. Checks are made once a class and run on every assignment, so they test for the common case
first and leave the rest to a slower function. A null (None) passes where the attribute is optional, whatever its kind.
"""

import operator
import os
import re

from . import rules
from .attribute import BaseResourceAttribute, takes

_INT_MIN, _INT_MAX = -2 ** 63, 2 ** 63 - 1

# A label of a DNS name: letters, digits and inner hyphens, 63 characters at most.
_DNS_NAME = re.compile(r'(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\Z')
_DIGITS = '0123456789'
_IPV4 = re.compile(r'(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}\Z')
_UUID = re.compile(r'[0-9a-fA-F]{32}\Z')


def encodable(value):
    """Return the text, or raise ValueError if it holds half of a surrogate pair, which UTF-8 cannot carry."""
    try:
        value.encode('utf-8')
    except UnicodeEncodeError as e:
        raise ValueError('has a lone surrogate (\\u%04x) at character %d, which cannot be stored; decode the bytes with '
                         'errors="replace"' % (ord(value[e.start]), e.start)) from None
    return value


def as_text(value):
    """Return the text as a plain str, or raise ValueError."""
    if isinstance(value, str):
        return encodable(str.__str__(value))
    if isinstance(value, (bytes, bytearray)):
        raise ValueError('must be text (str), not %s; decode it first' % type(value).__name__)
    raise ValueError('must be text (str), not %s' % type(value).__name__)


class String(BaseResourceAttribute):
    """A text. max_length is the greatest number of characters, inclusive (guide, "String")."""

    kind = 'string'

    def __init__(self, max_length=None, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.max_length = max_length
        if max_length is not None and (isinstance(max_length, bool) or not isinstance(max_length, int) or max_length < 0):
            self.say(rules.OPTION_VALUE, 'max_length must be a whole number of characters, not %r' % (max_length,))
            self.max_length = None

    def make_check(self):
        limit, null = self.max_length, self.null

        def check(value):
            if type(value) is not str or not value.isascii():
                if value is None:
                    return null()
                value = as_text(value)
            if limit is not None and len(value) > limit:
                raise ValueError('has %d characters; max_length is %d' % (len(value), limit))
            return value
        return check

    def to_wire(self):
        out = super().to_wire()
        if self.max_length is not None:
            out['max_length'] = self.max_length
        return out


class Password(String):
    """A password. encrypt_fn turns what a user types into what is stored and what the plugin sees (guide, "Password")."""

    kind = 'password'

    def __init__(self, encrypt_fn=None, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.encrypt_fn = encrypt_fn
        if not callable(encrypt_fn):
            self.say(rules.PASSWORD_FUNCTION, 'Password needs a function as its first argument', 'write Password(encrypt_fn)')
        elif not takes(encrypt_fn, 1):
            self.say(rules.PASSWORD_FUNCTION, 'the function of a Password is called with one argument, the text that a user '
                     'typed', 'declare it as def encrypt_fn(password)')

    def encrypt(self, value):
        """Return the stored form of a password that a user typed."""
        out = self.encrypt_fn(value)
        if not isinstance(out, str):
            raise TypeError('encrypt_fn of %s must return text (str), not %s' % (self.name, type(out).__name__))
        return encodable(out)


class Boolean(BaseResourceAttribute):
    """True or False. Any truthy value may be assigned; True or False is stored (guide, "Boolean")."""

    kind = 'boolean'

    def make_check(self):
        null = self.null

        def check(value):
            if value is None:
                return null()
            return True if value else False
        return check


class _Numeric(BaseResourceAttribute):
    """A number with inclusive bounds."""

    def __init__(self, min_val=None, max_val=None, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.min_val = self._bound('min_val', min_val)
        self.max_val = self._bound('max_val', max_val)
        if self.min_val is not None and self.max_val is not None and self.min_val > self.max_val:
            self.say(rules.BOUNDS_CONTRADICT, 'min_val %r is above max_val %r' % (self.min_val, self.max_val))

    def _bound(self, name, value):
        if value is None:
            return None
        try:
            return self.convert(value)
        except ValueError as e:
            self.say(rules.OPTION_VALUE, '%s %r %s' % (name, value, e))
            return None

    def convert(self, value):
        """Return any accepted form of the number as the stored one, or raise ValueError."""
        raise NotImplementedError

    def bounded(self, value):
        """Return the number, or raise ValueError if it is out of bounds."""
        if self.min_val is not None and value < self.min_val:
            raise ValueError('is below min_val, %r' % self.min_val)
        if self.max_val is not None and value > self.max_val:
            raise ValueError('is above max_val, %r' % self.max_val)
        return value

    def to_wire(self):
        out = super().to_wire()
        if self.min_val is not None:
            out['min'] = self.min_val
        if self.max_val is not None:
            out['max'] = self.max_val
        return out


class Integer(_Numeric):
    """A whole number of 64 bits, within min_val and max_val, both inclusive (guide, "Integer").

    What is exactly convertible is converted: 7.0 and '7' are stored as 7.
    """

    kind = 'integer'

    def make_check(self):
        low = _INT_MIN if self.min_val is None else self.min_val
        high = _INT_MAX if self.max_val is None else self.max_val
        convert, bounded, null = self.convert, self.bounded, self.null

        def check(value):
            if type(value) is int and low <= value <= high:
                return value
            if value is None:
                return null()
            return bounded(convert(value))
        return check

    def convert(self, value):
        if isinstance(value, float):
            if not value.is_integer():  # false for infinities and NaN too
                raise ValueError('must be a whole number')
            value = int(value)
        elif isinstance(value, str):
            try:
                value = int(value)
            except ValueError:
                raise ValueError('must be a whole number') from None
        else:
            try:
                value = int(operator.index(value))
            except TypeError:
                raise ValueError('must be a whole number, not %s' % type(value).__name__) from None
        if not _INT_MIN <= value <= _INT_MAX:
            raise ValueError('does not fit in 64 bits')
        return value


class Bytes(Integer):
    """An exact size in bytes; people see it with a fitting unit (guide, "Bytes")."""

    kind = 'bytes'


class Float(_Numeric):
    """A finite number with a fraction, within min_val and max_val, both inclusive."""

    kind = 'float'

    def make_check(self):
        convert, bounded, null = self.convert, self.bounded, self.null

        def check(value):
            if value is None:
                return null()
            return bounded(convert(value))
        return check

    def convert(self, value):
        return as_number(value, float)


def as_number(value, kind=None):
    """Return an int or a finite float for a number or its text, or raise ValueError. kind=float makes it a float."""
    if type(value) is int and kind is None and _INT_MIN <= value <= _INT_MAX:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError('must be a number, not %s' % (repr(value) if isinstance(value, str) else type(value).__name__)) \
            from None
    if number - number != 0:  # infinities and NaN
        raise ValueError('must be a finite number')
    return number


class Enum(BaseResourceAttribute):
    """One of the values given as arguments: texts, numbers or booleans (guide, "Enum")."""

    kind = 'enum'

    def __init__(self, *options, **kwargs):
        super().__init__(**kwargs)
        self.options = options
        if not options:
            self.say(rules.ENUM_OPTIONS, 'Enum needs its possible values as arguments', "write Enum('good', 'bad')")
        seen = []
        for option in options:
            if not isinstance(option, (str, int, float)):
                self.say(rules.ENUM_OPTIONS, 'an option must be text, a number or a boolean, not %s' % type(option).__name__,
                         "write Enum('good', 'bad')")
                self.options = ()
            elif option in seen:
                self.say(rules.ENUM_OPTIONS, 'option %r is given twice' % (option,))
            seen.append(option)

    def make_check(self):
        declared, options, null = {o: o for o in self.options}, self.options, self.null
        missing = object()

        def check(value):
            try:
                stored = declared.get(value, missing)
            except TypeError:  # a list or the like: certainly no option
                stored = missing
            if stored is missing:
                if value is None:
                    return null()
                raise ValueError('must be one of %s' % ', '.join(map(repr, options)))
            return stored
        return check

    def to_wire(self):
        out = super().to_wire()
        out['options'] = list(self.options)
        return out


class Hostname(BaseResourceAttribute):
    """A DNS name, an IPv4 address or an IPv6 address (guide, "Hostname")."""

    kind = 'hostname'

    def make_check(self):
        null = self.null

        def check(value):
            if type(value) is not str:
                if value is None:
                    return null()
                value = as_text(value)
            if ':' in value:
                if not _is_ipv6(value):
                    raise ValueError('is no IPv6 address')
            elif len(value) > 253 or not _DNS_NAME.match(value):  # an IPv4 address has the form of a DNS name
                raise ValueError('is neither a DNS name nor an IP address')
            elif value[-1] in _DIGITS and value.rpartition('.')[2].isdigit() and not _IPV4.match(value):
                # No top-level domain is a number, so what ends in one is meant as an address.
                raise ValueError('is no IPv4 address, and the last part of a DNS name is no number')
            return value
        return check


def _is_ipv6(value):
    import socket  # only here: few processes meet an IPv6 address, and the module costs memory
    address, percent, zone = value.partition('%')
    if percent and not re.match(r'[A-Za-z0-9._-]+\Z', zone):
        return False
    try:
        socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):
        return False
    return True


class Uuid(BaseResourceAttribute):
    """A UUID: 32 hexadecimal digits with hyphens anywhere between them (guide, "Uuid"). It is stored as assigned."""

    kind = 'uuid'

    def make_check(self):
        null, match = self.null, _UUID.match

        def check(value):
            if type(value) is not str:
                if value is None:
                    return null()
                value = str(value) if type(value).__name__ == 'UUID' else as_text(value)
            if not match(value.replace('-', '')):
                raise ValueError('is no UUID: it must have 32 hexadecimal digits, hyphens aside')
            return value
        return check


class PosixPath(BaseResourceAttribute):
    """A path of a POSIX file system (guide, "PosixPath")."""

    kind = 'path'

    def make_check(self):
        null = self.null

        def check(value):
            if type(value) is str and value.isascii():
                return value
            if value is None:
                return null()
            return as_text(os.fspath(value) if hasattr(value, '__fspath__') else value)
        return check


class ResourceReference(BaseResourceAttribute):
    """A reference to another resource of the same session (guide, "ResourceReference").

    When the other resource is deleted, an optional reference is cleared; the holder of a mandatory one is deleted too.
    """

    kind = 'reference'

    def make_check(self):
        null = self.null

        def check(value):
            if value is None:
                return null()
            if not hasattr(type(value), '_fl_info'):
                raise ValueError('must be a resource, as update_or_create returns it, not %s' % type(value).__name__)
            return value
        return check
