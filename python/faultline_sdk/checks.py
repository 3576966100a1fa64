"""Everything that can be wrong with a plugin's declarations. All problems are found, not the first alone."""

from . import manifest, model
from .alert_conditions import AlertCondition
from .errors import Problem
from .identifiers import AutoId, BaseIdentifier, ScopedId
from .plugin import defines
from .relations import Relation
from .resources import HostRoot, ScannableResource

_NUMERIC = ('integer', 'bytes', 'float', 'gauge', 'counter')
_RESERVED = frozenset(n for n in dir(model.Resource) if not n.startswith('_')) | {
    'usable_for_lustre', 'device_type', 'klass', 'parents', 'self', 'Meta'}
_SERIES = {'gauge': 'a time series', 'counter': 'a time series', 'histogram': 'a histogram'}


def check_module(module_name, where, classes, plugin_classes):
    """Return the problems of a plugin: its plugin classes and its resource classes. where is (file, line) of the module."""
    problems = []
    if not plugin_classes:
        problems.append(Problem('%s defines no plugin: add a class that inherits from plugin.Plugin' % module_name,
                                at=(where[0], 1)))
    elif len(plugin_classes) > 1:
        problems.append(Problem('%s defines %d plugins, %s; a module must define exactly one' % (
            module_name, len(plugin_classes), ', '.join(k.__name__ for k, _ in plugin_classes)), at=plugin_classes[1][1]))
    elif not defines(plugin_classes[0][0], 'initial_scan') and not defines(plugin_classes[0][0], 'agent_session_start'):
        klass, at = plugin_classes[0]
        problems.append(Problem('the plugin must define initial_scan(self, root_resource), or agent_session_start(self, '
                                'host_id, data)', klass.__name__, at))
    seen = {}
    for klass in classes:
        info = klass._fl_info
        if info.name in seen:
            problems.append(Problem('the class is declared twice, first in line %d of %s' % (
                seen[info.name].at[1], seen[info.name].at[0]), info.name, info.at))
        seen[info.name] = info
    for klass in classes:
        problems.extend(_Class(klass, classes).check())
    return problems


class _Class:
    """The check of one resource class."""

    def __init__(self, klass, own):
        self.klass, self.info, self.own = klass, klass._fl_info, own
        self.problems = []

    def check(self):
        """Return all problems of the class."""
        self._meta()
        self._identifier()
        self._members()
        self._conditions()
        self._relations()
        self._charts()
        return self.problems

    def _say(self, text, member='', at=None):
        where = self.info.name + ('.' + member if member else '')
        self.problems.append(Problem(text, where, at or self.info.at))

    def _meta(self):
        meta = self.info.meta
        if meta is None:
            return
        for name in vars(meta):
            if not name.startswith('_') and name not in model.META_NAMES:
                self._say('Meta.%s is unknown; Meta may hold %s' % (name, ', '.join(model.META_NAMES)))
        if self.info.label is not None and not isinstance(self.info.label, str):
            self._say('Meta.label must be text, not %r' % (self.info.label,))
        for name in ('alert_conditions', 'relations', 'charts'):
            value = getattr(meta, name, None)
            if value is not None and not isinstance(value, (list, tuple)):
                self._say('Meta.%s must be a list' % name)

    def _identifier(self):
        identifier = self.info.identifier
        if identifier is None:
            inner = ', '.join(map(repr, list(self.info.attributes)[:1])) or "'name'"
            self._say('the class needs an identifier, as it is not inherited: class Meta: identifier = '
                      'identifiers.ScopedId(%s), or GlobalId' % inner)
            return
        if not isinstance(identifier, BaseIdentifier):
            self._say('Meta.identifier must be identifiers.GlobalId(...), ScopedId(...) or AutoId(), not %r' % (identifier,))
            return
        scannable = issubclass(self.klass, ScannableResource)
        if isinstance(identifier, AutoId):
            if not scannable:
                self._say('AutoId is for subclasses of ScannableResource only; name identifying attributes instead',
                          at=identifier.at)
            return
        if scannable and isinstance(identifier, ScopedId):
            self._say('a scannable resource is a scope itself, so its identifier must be a GlobalId or an AutoId',
                      at=identifier.at)
        if not identifier.attributes:
            self._say('the identifier names no attribute', at=identifier.at)
        for name in identifier.attributes:
            if not isinstance(name, str):
                self._say('the identifier must name attributes by text, not %r' % (name,), at=identifier.at)
            elif name in self.info.statistics:
                self._say('the identifier names %r, which is a statistic' % name, name, identifier.at)
            elif name not in self.info.attributes:
                self._say('the identifier names %r, which is no attribute of the class; it declares: %s' % (
                    name, ', '.join(self.info.attributes) or 'none'), name, identifier.at)

    def _members(self):
        for kind in (self.info.attributes, self.info.statistics):
            for name, member in kind.items():
                inherited = any(name in vars(b) for b in self.klass.__mro__[1:] if b in self.own)
                if inherited and name not in vars(self.klass):
                    continue  # told once, at the class that declares it
                for text in member.problems:
                    self._say(text, name, member.at)
                if name in _RESERVED or name.startswith('_'):
                    self._say('%r cannot be the name of an attribute: %s' % (
                        name, 'it begins with an underscore' if name[0] == '_' else 'the SDK uses it'), name, member.at)
        for name, attribute in self.info.attributes.items():
            default = attribute.default
            if default is None or callable(default) or attribute.problems or name not in vars(self.klass):
                continue
            if attribute.kind == 'reference':
                self._say('the default of a reference must be a function', name, attribute.at)
                continue
            try:
                attribute.check(default)
            except ValueError as e:
                self._say('the default %r %s' % (default, e), name, attribute.at)

    def _conditions(self):
        seen = {}
        for condition in self.info.conditions:
            if not isinstance(condition, AlertCondition):
                self._say('Meta.alert_conditions holds %r, which is no alert condition' % (condition,))
                continue
            self._condition(condition)
            for severity, _ in condition.watched():
                key = (condition.id, condition.attribute, severity)
                if key in seen and isinstance(condition.attribute, str):
                    self._say('two alert conditions watch %r at severity %r; give each an id of its own: id=%r' % (
                        condition.attribute, severity, 'some_name'), condition.attribute, condition.at)
                    break
                seen[key] = condition

    def _condition(self, condition):
        name, at = condition.attribute, condition.at
        for text in condition.problems:
            self._say(text, str(name), at)
        watched = self.info.attributes.get(name) or self.info.statistics.get(name) if isinstance(name, str) else None
        if watched is None:
            self._say('an alert condition watches %r, which is no attribute or statistic of the class' % (name,),
                      str(name), at)
        elif condition.suffix == 'bound':
            if watched.kind not in _NUMERIC:
                self._say('a bound needs a number, but %r is of kind %s' % (name, watched.kind), name, at)
        elif watched.kind in ('reference', 'password', 'histogram'):
            self._say('an alert condition cannot watch values of kind %s' % watched.kind, name, at)
        else:
            self._states(condition, watched)

    def _states(self, condition, watched):
        if getattr(watched, 'problems', None):
            return
        for severity, states in condition.watched():
            for state in states:
                try:
                    if watched.check(state) is None:
                        raise ValueError('is no value')
                except ValueError as e:
                    self._say('%s_states holds %r, which the attribute can never have: it %s' % (severity, state, e),
                              condition.attribute, condition.at)

    def _relations(self):
        for relation in self.info.relations:
            if not isinstance(relation, Relation):
                self._say('Meta.relations holds %r, which is no relation' % (relation,))
                continue
            for text in relation.problems:
                self._say(text, at=relation.at)
            for name in relation.attributes:
                if name not in self.info.attributes:
                    self._say('a relation names %r, which is no attribute of the class' % name, name, relation.at)
            if not relation.problems:
                self._target(relation)

    def _target(self, relation):
        plugin, name = manifest.target(relation, model.plugin_name, self.own)
        if plugin == '' and name not in [k.__name__ for k in self.own]:
            self._say('a relation names the class %r, which this plugin does not declare' % name, at=relation.at)
        elif isinstance(relation.target, type) and not hasattr(relation.target, '_fl_info'):
            self._say('a relation names the class %r, which is no resource class' % name, at=relation.at)

    def _charts(self):
        for chart in self.info.charts:
            if not isinstance(chart, dict) or not isinstance(chart.get('title'), str) \
                    or not isinstance(chart.get('series'), (list, tuple)) or not chart.get('series'):
                self._say("a chart must be {'title': 'text', 'series': ['statistic', ...]}, not %r" % (chart,))
                continue
            title, known = chart['title'], []
            for name in chart['series']:
                statistic = self.info.statistics.get(name) if isinstance(name, str) else None
                if statistic is None:
                    self._say('chart %r names %r, which is no statistic of the class' % (title, name), str(name))
                else:
                    known.append(statistic)
            if len({_SERIES[s.kind] for s in known}) > 1:
                self._say('chart %r mixes time series and histograms' % title)
            units = sorted({s.units or '' for s in known})
            if len(units) > 2:
                self._say('chart %r has %d different units, %s; at most two fit' % (
                    title, len(units), ', '.join(map(repr, units))))


def root_classes(classes):
    """Return the classes of a plugin that can be the root of a session."""
    return [k for k in classes if issubclass(k, (ScannableResource, HostRoot))]
