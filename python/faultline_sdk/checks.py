"""Everything that can be wrong with a plugin's declarations. All problems are found, not the first alone."""

from . import manifest, model, rules
from .alert_conditions import AlertCondition
from .attribute import BaseResourceAttribute, takes
from .errors import Problem, meant
from .identifiers import AutoId, BaseIdentifier, ScopedId
from .plugin import defines
from .relations import Relation
from .resources import HostRoot, ScannableResource
from .statistics import BaseStatistic
from .targets import Target

_NUMERIC = ('integer', 'bytes', 'float', 'gauge', 'counter')
_RESERVED = frozenset(n for n in dir(model.Resource) if not n.startswith('_')) | {
    'usable_for_lustre', 'device_type', 'klass', 'parents', 'self', 'Meta'}
_HOOKS = (('initial_scan', 'root_resource'), ('update_scan', 'root_resource'), ('teardown', ''),
          ('agent_session_start', 'host_id, data'), ('agent_session_continue', 'host_id, data'))
_SERIES = {'gauge': 'a time series', 'counter': 'a time series', 'histogram': 'a histogram'}


def check_module(module_name, where, classes, plugin_classes, charts=None):
    """Return the problems of a plugin: its plugin classes and its resource classes.

    where is (file, line) of the module; charts has the lines of charts, if they are known (see faultline_sdk.lint).
    """
    problems = []
    if not plugin_classes:
        problems.append(Problem(rules.PLUGIN_MISSING, '%s defines no plugin' % module_name, at=(where[0], 1),
                                fix='add a class that inherits from plugin.Plugin'))
    elif len(plugin_classes) > 1:
        problems.append(Problem(
            rules.PLUGIN_SEVERAL, '%s defines %d plugins, %s; a module must define exactly one' % (
                module_name, len(plugin_classes), ', '.join(k.__name__ for k, _ in plugin_classes)),
            at=plugin_classes[1][1], fix='put each into a module of its own'))
    else:
        _check_plugin(problems, *plugin_classes[0])
    seen = {}
    for klass in classes:
        info = klass._fl_info
        if info.name in seen:
            problems.append(Problem(rules.CLASS_TWICE, 'the class is declared twice, first in line %d of %s' % (
                seen[info.name].at[1], seen[info.name].at[0]), info.name, info.at, 'rename one of them'))
        seen[info.name] = info
    for klass in classes:
        problems.extend(_Class(klass, classes, charts or {}).check())
    return problems


def _check_plugin(problems, klass, at):
    if not defines(klass, 'initial_scan') and not defines(klass, 'agent_session_start'):
        problems.append(Problem(rules.HOOK_MISSING, 'the plugin must define initial_scan(self, root_resource), or '
                                'agent_session_start(self, host_id, data)', klass.__name__, at))
    for hook, arguments in _HOOKS:
        if not defines(klass, hook):
            continue
        count = arguments.count(',') + 1 if arguments else 0
        right = 'def %s(%s)' % (hook, ', '.join(filter(None, ('self', arguments))))
        check_method(problems, klass, hook, count, right, klass.__name__, at)
    period = vars(klass).get('update_period')
    if period is not None and (isinstance(period, bool) or not isinstance(period, (int, float)) or not 0 < period < 1e9):
        problems.append(Problem(rules.OPTION_VALUE, 'update_period must be a number of seconds, not %r' % (period,),
                                klass.__name__ + '.update_period', at))


def check_method(problems, klass, name, count, right, where, at):
    """Note it if the method of a class cannot be called with so many arguments beside self."""
    method = next((vars(k)[name] for k in klass.__mro__ if name in vars(k)), None)
    own_self = 0 if isinstance(method, staticmethod) else 1
    function = getattr(method, '__func__', method)
    code = getattr(function, '__code__', None)
    if code is None:
        return
    line = (code.co_filename, code.co_firstlineno)
    if not takes(function, count + own_self):
        problems.append(Problem(rules.HOOK_SIGNATURE, '%s is called with %d argument%s beside self, which it does not take' % (
            name, count, '' if count == 1 else 's'), where + '.' + name, line, 'write ' + right))
    elif code.co_flags & 0x2A0:  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
        problems.append(Problem(rules.HOOK_SIGNATURE, '%s is a generator or a coroutine: to call it runs nothing of it' % name,
                                where + '.' + name, line, 'take yield and async out of it'))


class _Class:
    """The check of one resource class."""

    def __init__(self, klass, own, charts):
        self.klass, self.info, self.own, self.charts = klass, klass._fl_info, own, charts
        self.problems = []

    def check(self):
        """Return all problems of the class."""
        self._meta()
        self._body()
        self._identifier()
        self._members()
        self._conditions()
        self._relations()
        self._charts()
        self._polite()
        return self.problems

    def _say(self, rule, text, member='', at=None, fix=''):
        where = self.info.name + ('.' + member if member else '')
        self.problems.append(Problem(rule, text, where, at or self.info.at, fix))

    def _meta(self):
        meta = self.info.meta
        if meta is None:
            return
        for name in vars(meta):
            if not name.startswith('_') and name not in model.META_NAMES:
                member = isinstance(vars(meta)[name], (BaseResourceAttribute, BaseStatistic))
                self._say(rules.META_UNKNOWN, 'Meta.%s is unknown; it may hold %s' % (name, ', '.join(model.META_NAMES)),
                          at=getattr(vars(meta)[name], 'at', None) if member else None,
                          fix='move %s out of Meta into the class itself' % name if member else meant(name, model.META_NAMES))
        if self.info.label is not None and not isinstance(self.info.label, str):
            self._say(rules.META_TYPE, 'Meta.label must be text, not %r' % (self.info.label,))
        for name in ('alert_conditions', 'relations', 'charts'):
            value = getattr(meta, name, None)
            if value is not None and not isinstance(value, (list, tuple)):
                self._say(rules.META_TYPE, 'Meta.%s must be a list' % name, at=getattr(value, 'at', None),
                          fix='write %s = [...]' % name)

    def _body(self):
        """Look for what is near a declaration but is none."""
        for name, value in vars(self.klass).items():
            if name == 'identifier' and isinstance(value, BaseIdentifier):
                misplaced, at = True, value.at
            else:
                misplaced = name in ('alert_conditions', 'relations') and isinstance(value, (list, tuple)) and any(
                    isinstance(v, (AlertCondition, Relation)) for v in value)
                at = value[0].at if misplaced and hasattr(value[0], 'at') else None
            if misplaced:
                self._say(rules.META_MISPLACED, '%s stands in the class itself, where it means nothing' % name, at=at,
                          fix='move it into class Meta')
            elif isinstance(value, type) and issubclass(value, (BaseResourceAttribute, BaseStatistic)):
                self._say(rules.ATTRIBUTE_TYPE, 'is the class %s and no instance of it' % value.__name__, name,
                          fix='write %s = %s()' % (name, value.__name__))
            elif isinstance(value, tuple) and any(isinstance(v, (BaseResourceAttribute, BaseStatistic)) for v in value):
                at = next(v.at for v in value if hasattr(v, 'at'))
                self._say(rules.ATTRIBUTE_TYPE, 'is a tuple, and so no attribute', name, at, 'take away the comma at the end of '
                          'the line' if len(value) == 1 else 'declare each attribute by itself')
        if self.info.own_label:
            check_method(self.problems, self.klass, 'get_label', 0, 'def get_label(self)', self.info.name, self.info.at)

    def _identifier(self):
        identifier = self.info.identifier
        if identifier is None:
            if isinstance(vars(self.klass).get('identifier'), BaseIdentifier):
                return  # told by _body
            inner = ', '.join(map(repr, list(self.info.attributes)[:1])) or "'name'"
            self._say(rules.IDENTIFIER_MISSING, 'the class needs an identifier, as it is not inherited',
                      fix='write class Meta: identifier = identifiers.ScopedId(%s), or GlobalId' % inner)
            return
        if not isinstance(identifier, BaseIdentifier):
            self._say(rules.IDENTIFIER_TYPE, 'Meta.identifier must be identifiers.GlobalId(...), ScopedId(...) or AutoId(), '
                      'not %r' % (identifier,))
            return
        scannable = issubclass(self.klass, ScannableResource)
        if isinstance(identifier, AutoId):
            if not scannable:
                self._say(rules.AUTO_ID_NOT_ROOT, 'AutoId is for subclasses of ScannableResource only', at=identifier.at,
                          fix='name identifying attributes instead, with GlobalId or ScopedId')
            return
        if scannable and isinstance(identifier, ScopedId):
            self._say(rules.SCOPED_ROOT, 'a scannable resource is a scope itself, so its identifier must be a GlobalId or an '
                      'AutoId', at=identifier.at, fix='write GlobalId for ScopedId')
        if not identifier.attributes:
            self._say(rules.IDENTIFIER_EMPTY, 'the identifier names no attribute', at=identifier.at)
        for i, name in enumerate(identifier.attributes):
            self._identifying(name, name in identifier.attributes[:i], identifier.at)

    def _identifying(self, name, again, at):
        if not isinstance(name, str):
            fix = 'write the names one by one: GlobalId(%s)' % ', '.join(map(repr, name)) \
                if isinstance(name, (list, tuple)) else ''
            self._say(rules.IDENTIFIER_TYPE, 'the identifier must name attributes by text, not %r' % (name,), at=at, fix=fix)
        elif again:
            self._say(rules.IDENTIFIER_TWICE, 'the identifier names %r twice' % name, name, at)
        elif name in self.info.statistics:
            self._say(rules.IDENTIFIER_UNKNOWN, 'the identifier names %r, which is a statistic' % name, name, at)
        elif name not in self.info.attributes:
            self._say(rules.IDENTIFIER_UNKNOWN, 'the identifier names %r, which is no attribute of the class' % name, name, at,
                      self._known(name, self.info.attributes))
        else:
            attribute = self.info.attributes[name]
            if attribute.kind == 'password':
                self._say(rules.IDENTIFIER_PASSWORD, 'a password cannot identify a resource: identifiers and labels can be seen',
                          name, at)
            if attribute.hidden and attribute.optional:
                self._say(rules.IDENTIFIER_HIDDEN, 'the identifier names %r, which is hidden and optional: two resources without '
                          'it are one, and nobody can see why' % name, name, at,
                          'take hidden or optional away, or let another attribute identify')

    @staticmethod
    def _known(name, names):
        """Return advice for a name that is none of the given ones."""
        if not names:
            return 'the class declares none'
        return meant(str(name), names, 'it declares: ' + ', '.join(names))

    def _members(self):
        for kind in (self.info.attributes, self.info.statistics):
            for name, member in kind.items():
                inherited = any(name in vars(b) for b in self.klass.__mro__[1:] if b in self.own)
                if inherited and name not in vars(self.klass):
                    continue  # told once, at the class that declares it
                for rule, text, fix in member.problems:
                    self._say(rule, text, name, member.at, fix)
                if name in _RESERVED or name.startswith('_') or not name.isascii():
                    self._say(rules.MEMBER_NAME, '%r cannot be the name of an attribute: %s' % (
                        name, 'the SDK uses it' if name in _RESERVED else 'it begins with an underscore' if name[0] == '_' else
                        'it may have the letters a to z, digits and underscores'), name, member.at,
                        'give it another name, and label=%r' % name.strip('_').replace('_', ' ').capitalize())
        self._renamed()
        for name, attribute in self.info.attributes.items():
            default = attribute.default
            if default is None or callable(default) or attribute.problems or name not in vars(self.klass):
                continue
            if attribute.kind == 'reference':
                self._say(rules.DEFAULT_INVALID, 'the default of a reference must be a function', name, attribute.at)
                continue
            try:
                attribute.check(default)
            except ValueError as e:
                self._say(rules.DEFAULT_INVALID, 'the default %r %s' % (default, e), name, attribute.at)

    def _renamed(self):
        taken = {}
        for name, attribute in self.info.attributes.items():
            for old in attribute.renamed_from:
                if old in self.info.attributes:
                    self._say(rules.RENAMED, 'renamed_from names %r, which is still an attribute of the class and keeps its own '
                              'values' % old, name, attribute.at, 'leave renamed_from=%r out, or the other attribute' % old)
                elif taken.setdefault(old, name) != name:
                    self._say(rules.RENAMED, 'renamed_from names %r, and so does %r; only one can take the values over' % (
                        old, taken[old]), name, attribute.at)

    def _conditions(self):
        seen = {}
        for condition in self.info.conditions:
            if not isinstance(condition, AlertCondition):
                self._say(rules.META_TYPE, 'Meta.alert_conditions holds %r, which is no alert condition' % (
                    condition,))
                continue
            self._condition(condition)
            for severity, _ in condition.watched():
                key = (condition.id, condition.attribute, severity)
                if key in seen and isinstance(condition.attribute, str):
                    self._say(rules.CONDITION_CLASH, 'two alert conditions watch %r at severity %r' % (
                        condition.attribute, severity), condition.attribute, condition.at,
                        'give each an id of its own, such as id=%r and id=%r' % _suggest(seen[key], condition, severity))
                    break
                seen[key] = condition

    def _condition(self, condition):
        name, at = condition.attribute, condition.at
        for rule, text, fix in condition.problems:
            self._say(rule, text, str(name), at, fix)
        watched = self.info.attributes.get(name) or self.info.statistics.get(name) if isinstance(name, str) else None
        if watched is None:
            self._say(rules.CONDITION_UNKNOWN, 'an alert condition watches %r, which is no attribute or statistic of the '
                      'class' % (name,), str(name), at, self._known(name, [*self.info.attributes, *self.info.statistics]))
        elif condition.suffix == 'bound':
            if watched.kind not in _NUMERIC:
                self._say(rules.CONDITION_KIND, 'a bound needs a number, but %r is of kind %s' % (name, watched.kind), name, at,
                          '' if watched.kind in ('reference', 'histogram', 'password') else 'use ValueCondition')
        elif watched.kind in ('reference', 'password', 'histogram'):
            self._say(rules.CONDITION_KIND, 'an alert condition cannot watch values of kind %s' % watched.kind, name, at)
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
                    self._say(rules.CONDITION_STATE, '%s_states holds %r, which the attribute can never have: it %s' % (
                        severity, state, e), condition.attribute, condition.at)

    def _relations(self):
        for relation in self.info.relations:
            if not isinstance(relation, Relation):
                self._say(rules.META_TYPE, 'Meta.relations holds %r, which is no relation' % (relation,))
                continue
            for rule, text, fix in relation.problems:
                self._say(rule, text, at=relation.at, fix=fix)
            for name in relation.attributes:
                if name not in self.info.attributes:
                    self._say(rules.RELATION_ATTRIBUTE, 'a relation names %r, which is no attribute of the class' % name, name,
                              relation.at, self._known(name, self.info.attributes))
            if not relation.problems:
                self._target(relation)

    def _target(self, relation):
        plugin, name = manifest.target(relation, model.plugin_name, self.own)
        if plugin == '' and name not in [k.__name__ for k in self.own]:
            self._say(rules.RELATION_TARGET, 'a relation names the class %r, which this plugin does not declare' % name,
                      at=relation.at, fix=self._known(name, [k.__name__ for k in self.own]))
        elif isinstance(relation.target, type) and not hasattr(relation.target, '_fl_info'):
            self._say(rules.RELATION_TARGET, 'a relation names the class %r, which is no resource class' % name, at=relation.at)

    def _polite(self):
        target = self.info.target
        if target is None:
            return
        if not isinstance(target, Target):
            self._say(rules.META_TYPE, 'Meta.target must be a Target, not %r' % (target,),
                      fix="write target = targets.Target('...')")
            return
        if not issubclass(self.klass, ScannableResource):
            self._say(rules.TARGET_WRONG, 'the target is of a class that nobody scans', at=target.at,
                      fix='declare it in the scannable class')
        for text, fix in target.problems(self.info):
            self._say(rules.TARGET_WRONG, text, at=target.at, fix=fix)

    def _charts(self):
        for chart in self.info.charts:
            if not isinstance(chart, dict) or not isinstance(chart.get('title'), str) \
                    or not isinstance(chart.get('series'), (list, tuple)) or not chart.get('series'):
                at = None
                if isinstance(chart, dict):
                    at = self._chart_at(chart.get('title'))
                self._say(rules.CHART_FORM, "a chart must be {'title': 'text', 'series': ['statistic', ...]}, not %r" % (
                    chart,), at=at)
                continue
            title, known = chart['title'], []
            at = self._chart_at(title)
            for name in chart['series']:
                statistic = self.info.statistics.get(name) if isinstance(name, str) else None
                if statistic is None:
                    self._say(rules.CHART_UNKNOWN, 'chart %r names %r, which is no statistic of the class' % (title, name),
                              str(name), at, self._known(name, self.info.statistics))
                else:
                    known.append(statistic)
            if len({_SERIES[s.kind] for s in known}) > 1:
                self._say(rules.CHART_MIXED, 'chart %r mixes time series and histograms' % title, at=at,
                          fix='declare one chart for the histograms and one for the rest')
            units = sorted({s.units or '' for s in known})
            if len(units) > 2:
                self._say(rules.CHART_UNITS, 'chart %r has %d different units, %s; at most two fit' % (
                    title, len(units), ', '.join(map(repr, units))), at=at, fix='split it into charts of two units')

    def _chart_at(self, title):
        """Return where a chart is declared: its line in a check, else that of the class."""
        line = self.charts.get((self.info.at[0], self.info.name, title)) if isinstance(title, str) else None
        return (self.info.at[0], line) if line else self.info.at


def _suggest(one, other, severity):
    """Return two ids, made of what two conditions watch for."""
    ids = []
    for condition in (one, other):
        value = getattr(condition, '%s_%s' % (severity, condition.suffix))
        value = value[0] if isinstance(value, list) else 'above_%s' % value if condition.kind == 'upper_bound' else \
            'below_%s' % value
        ids.append(''.join(c if c.isalnum() else '_' for c in str(value).lower()))
    if ids[0] == ids[1]:
        ids[1] += '_2'
    return tuple(i or 'first' for i in ids)


def root_classes(classes):
    """Return the classes of a plugin that can be the root of a session."""
    return [k for k in classes if issubclass(k, (ScannableResource, HostRoot))]
