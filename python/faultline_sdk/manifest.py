"""The manifest: what a plugin's classes declare, in wire form (sdk/wire/manifest.go)."""

from . import API_VERSION, resources
from .model import Resource

#: The plugin name under which relations name built-in base classes.
BUILTIN = 'builtin'


def build(plugin_name, classes):
    """Return the manifest of checked classes. classes are the plugin's own, in the order of declaration."""
    own = {k: None for k in classes}
    return {'api_version': API_VERSION, 'classes': [_class(plugin_name, k, own) for k in classes]}


def draft(plugin_name, classes, charts):
    """Return (manifest, places) of classes that may be declared wrongly: what can be told of them.

    charts has the lines of charts (see faultline_sdk.lint).
    """
    own = {k: None for k in classes}
    out, found = [], {}
    for klass in classes:
        info = klass._fl_info
        sound = {'attributes': [], 'statistics': [], 'alert_conditions': [], 'relations': [], 'charts': []}
        for kind, members, make in (
                ('attributes', info.attributes.values(), lambda m: m.to_wire()),
                ('statistics', info.statistics.values(), lambda m: m.to_wire()),
                ('alert_conditions', info.conditions, lambda m: _condition(info, m)),
                ('relations', info.relations, lambda m: _relation(m, plugin_name, own)),
                ('charts', info.charts, _chart)):
            for member in members:
                try:
                    made = None if getattr(member, 'problems', None) else make(member)
                except Exception:  # a wrong declaration, of which the checks tell
                    made = None
                if made is not None:
                    sound[kind].append((made, member))
        try:
            one = {'name': info.name, 'bases': bases(klass, own), 'identifier': info.identifier.to_wire()}
        except Exception:
            one = {'name': info.name, 'bases': bases(klass, own), 'identifier': {'scope': ''}}
        if isinstance(info.label, str) and info.label:
            one['label'] = info.label
        one.update({kind: [made for made, _ in members] for kind, members in sound.items() if members})
        out.append(one)
        _note_places(found, info, {kind: [m for _, m in members] for kind, members in sound.items()}, charts)
    return {'api_version': API_VERSION, 'classes': out}, found


def places(classes, charts):
    """Return where classes and their members are declared, by name (wire.InitializeResult)."""
    found = {}
    for klass in classes:
        info = klass._fl_info
        _note_places(found, info, {
            'attributes': info.attributes.values(), 'statistics': info.statistics.values(),
            'alert_conditions': info.conditions, 'relations': info.relations, 'charts': info.charts},
            charts)
    return found


def _note_places(found, info, members, charts):
    found[info.name] = _place(info.at)
    for kind, list_ in members.items():
        for i, member in enumerate(list_):
            name = member.name if kind in ('attributes', 'statistics') else '%s.%d' % (kind, i)
            at = getattr(member, 'at', None) or info.at
            if kind == 'charts':
                at = (info.at[0], charts.get((info.at[0], info.name, member.get('title')), info.at[1]))
            found['%s.%s' % (info.name, name)] = _place(at)


def _place(at):
    return {'file': at[0], 'line': at[1]} if at else {}


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
        out['charts'] = [_chart(c) for c in info.charts]
    if info.target is not None:
        out['target'] = info.target.to_wire()
    if not getattr(klass, 'usable_for_lustre', True):
        out['not_for_targets'] = True
    return out


def _chart(chart):
    return {'title': chart['title'], 'series': list(chart['series'])}


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
