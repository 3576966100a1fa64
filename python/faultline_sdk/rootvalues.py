"""What users' values for a root go through before they are stored: password functions and defaults (protocol/SPEC.md)."""

from . import rpc
from .errors import ValidationError


def encrypt(classes, params):
    """Return the stored form of a password; params are EncryptParams, classes the plugin's classes by name."""
    info = _info(classes, params)
    attribute = info.attributes.get(params.get('attribute'))
    if attribute is None or attribute.kind != 'password':
        raise rpc.Error(rpc.INVALID_PARAMS, '%s has no password %r' % (info.name, params.get('attribute')))
    value = params.get('value')
    if not isinstance(value, str):
        raise rpc.Error(rpc.INVALID_PARAMS, 'value must be text')
    return attribute.encrypt(value)


def defaults(classes, params):
    """Return the values of the defaults that DefaultsParams lacks, by attribute name."""
    info = _info(classes, params)
    given = params.get('attributes') or {}
    known = {n: v for n, v in given.items() if n not in info.references}
    values = {n: v for n, v in info.checked(known).items() if v is not None}
    out = {}
    for name, attribute in info.attributes.items():
        if attribute.default is not None and given.get(name) is None:
            try:
                out[name] = values[name] = attribute.default_for(values)
            except ValueError as e:
                raise ValidationError('default of %s.%s: %s' % (info.name, name, e), name) from e
    return out


def _info(classes, params):
    klass = classes.get(params.get('class'))
    if klass is None:
        raise rpc.Error(rpc.INVALID_PARAMS, 'the plugin declares no class %r' % params.get('class'))
    return klass._fl_info
