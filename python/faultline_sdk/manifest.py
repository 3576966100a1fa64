"""The manifest: what a plugin's classes declare, in wire form (sdk/wire/manifest.go)."""

from . import API_VERSION, resources
from .model import Resource

#: The plugin name under which relations name built-in base classes.
BUILTIN = 'builtin'


def build(plugin_name, classes):
    """Return the manifest of checked classes. classes are the plugin's own, in the order of declaration."""
    own = {k: None for k in classes}
    return {'api_version': API_VERSION, 'classes': [_class(plugin_name, k, own) for k in classes]}


def is_builtin(klass):
    """Return whether a class is one of the built-in base classes."""
    return klass is Resource or klass.__module__ == resources.__name__


def bases(klass, own):
    """Return the names of the classes that klass inherits from, nearest first: the plugin's own, then built-in ones."""
    line = [k for k in klass.__mro__[1:] if isinstance(k, type(Resource))]
    return [k.__name__ for k in line if k in own] + [k.__name__ for k in line if is_builtin(k)]


def target(relation, plugin_name, own):
    """Return (plugin, class) of a relation's target as the wire names it."""
    if isinstance(relation.target, type):
        klass = relation.target
        if klass in own:
            return '', klass.__name__
        if is_builtin(klass):
            return BUILTIN, klass.__name__
        return klass.__module__.split('.')[0], klass.__name__
    plugin, name = relation.target
    return ('' if plugin == plugin_name else plugin), name


def _class(plugin_name, klass, own):
    info = klass._fl_info
    out = {'name': info.name, 'bases': bases(klass, own), 'identifier': info.identifier.to_wire()}
    if info.label:
        out['label'] = info.label
    if info.attributes:
        out['attributes'] = [a.to_wire() for a in info.attributes.values()]
    if info.statistics:
        out['statistics'] = [s.to_wire() for s in info.statistics.values()]
    if info.conditions:
        out['alert_conditions'] = [_condition(info, c) for c in info.conditions]
    if info.relations:
        out['relations'] = [_relation(r, plugin_name, own) for r in info.relations]
    if info.charts:
        out['charts'] = [{'title': c['title'], 'series': list(c['series'])} for c in info.charts]
    return out


def _condition(info, condition):
    out = condition.to_wire()
    attribute = info.attributes.get(condition.attribute)
    if attribute is not None and condition.suffix == 'states':
        # The values as the attribute stores them: what the server compares with.
        for key in [k for k in out if k.endswith('_states')]:
            out[key] = [attribute.check(v) for v in out[key]]
    return out


def _relation(relation, plugin_name, own):
    plugin, name = target(relation, plugin_name, own)
    out = {'kind': relation.kind, 'class': name, 'attributes': list(relation.attributes)}
    if plugin:
        out['plugin'] = plugin
    if relation.ignorecase:
        out['ignorecase'] = True
    return out
