"""A plugin for tests. It reports what a text file says, the state of its rack.

Each line of the file is one resource, or one instruction:

    enclosure e1
    drive A1 in=e1 status=OK temperature=31 size=4000000000000
    pool p0 on=A1,A2
    lun data on=p0 size=8000000000000
    fail HOOK TEXT       the hook raises at its end
    hang HOOK            the hook waits for the file STATE.go, which it then removes
    say COUNT TEXT       the hook prints so many lines to standard output
    spawn                the hook starts a process that would outlive the plugin
    period SECONDS       the update period, set by either hook

What stands behind on= (or in=) is above the resource: its problem is the resource's problem. Hooks that were entered are
listed in the file STATE.hooks, one a line, with the name of the rack. STATE.password is the password that the plugin sees.
"""
import codecs
import os
import subprocess
import time

from chroma_core.lib.storage_plugin.api import alert_conditions, attributes, identifiers, plugin, resources, statistics

version = 1


def hide(password):
    return codecs.encode(password, 'rot13')


class Rack(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('name')
    name = attributes.String()
    state = attributes.PosixPath()
    user = attributes.String(optional=True)
    password = attributes.Password(hide, optional=True)
    model = attributes.String(optional=True, user_read_only=True)

    def get_label(self):
        return 'Rack ' + self.name


class Enclosure(resources.Enclosure):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String()

    def get_label(self):
        return self.name


class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.GlobalId('serial')
        alert_conditions = [
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Drive failure', id='failure'),
            alert_conditions.ValueCondition('status', warn_states=['NEARFAILURE'], message='Drive near failure', id='near'),
            alert_conditions.UpperBoundCondition('temperature', warn_bound=70, error_bound=85, message='Drive too hot'),
        ]
    serial = attributes.String()
    status = attributes.Enum('OK', 'NEARFAILURE', 'FAILED', default='OK')
    size = attributes.Bytes(optional=True)
    temperature = statistics.Gauge(units='C')

    def get_label(self):
        return 'Drive ' + self.serial


class Pool(resources.StoragePool):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String()

    def get_label(self):
        return 'Pool ' + self.name


class Lun(resources.LogicalDrive):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String()

    def get_label(self):
        return self.name


KINDS = {'enclosure': (Enclosure, 'name'), 'drive': (Drive, 'serial'), 'pool': (Pool, 'name'), 'lun': (Lun, 'name')}


class RackPlugin(plugin.Plugin):
    def initial_scan(self, rack):
        self.rack = rack
        self.known = {}
        with open(rack.state + '.password', 'w') as f:
            f.write(rack.password or '')
        self.scan('initial_scan', rack)
        rack.model = 'R-1000'

    def update_scan(self, rack):
        self.scan('update_scan', rack)

    def teardown(self):
        self.note('teardown')

    def note(self, hook):
        with open(self.rack.state + '.hooks', 'a') as f:
            f.write('%s %s\n' % (hook, self.rack.name))

    def scan(self, hook, rack):
        self.note(hook)
        with open(rack.state) as f:
            lines = [line.split() for line in f if line.strip()]
        found = {}
        self.failure = None
        for word, rest in ((line[0], line[1:]) for line in lines):
            if word in KINDS:
                found[rest[0]] = self.report(found, word, rest)
            else:
                getattr(self, 'do_' + word)(hook, rest)
        for name in [n for n in self.known if n not in found]:
            self.remove(self.known.pop(name))
        self.known = found
        if self.failure:
            raise RuntimeError(self.failure)

    def report(self, found, word, rest):
        klass, key = KINDS[word]
        values = dict(pair.split('=', 1) for pair in rest[1:])
        above = [found[n] for n in (values.pop('on', '') or values.pop('in', '')).split(',') if n]
        temperature = values.pop('temperature', None)
        if 'size' in values:
            values['size'] = int(values['size'])
        elif klass is Lun:
            values['size'] = 0
        values[key] = rest[0]
        resource, created = self.update_or_create(klass, parents=above, **values)
        for old in resource.get_parents():
            if old not in above:
                resource.remove_parent(old)
        if temperature is not None:
            resource.temperature = float(temperature)
        return resource

    def do_fail(self, hook, words):
        if words[0] == hook:
            self.failure = ' '.join(words[1:])

    def do_hang(self, hook, words):
        if words[0] == hook:
            self.note('hang')
            go = self.rack.state + '.go'
            while not os.path.exists(go):
                time.sleep(0.02)
            os.remove(go)

    def do_say(self, hook, words):
        for _ in range(int(words[0])):
            print(' '.join(words[1:]))

    def do_spawn(self, hook, words):
        subprocess.Popen(['sleep', '600'])

    def do_period(self, hook, words):
        self.update_period = float(words[0])
