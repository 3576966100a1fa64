"""The scripted plugin of protocol/transcripts/README.md."""

import threading
import time

from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, relations, resources, statistics)

version = 1

WWID = 'b44f7d8e-a40d-4b96-b241-2ab462b4c1c1'
UNICODE_NAME = 'Größe 漢字 😀 "q" \\ \t\n</a>\u2028\u0001 end'


def reverse(password):
    if password == 'refuse':
        raise ValueError('not this one')
    return password[::-1]


class Array(resources.ScannableResource):
    class Meta:
        identifier = identifiers.GlobalId('address')
    address = attributes.Hostname()
    password = attributes.Password(reverse, optional=True)
    port = attributes.Integer(1, 65535, default=8080, label='TCP port')
    nickname = attributes.String(hidden=True, default=lambda values: 'array at ' + values['address'])
    scenario = attributes.String(32, optional=True)


class Manual(resources.ScannableResource):
    class Meta:
        identifier = identifiers.AutoId()
    note = attributes.String()


class Server(resources.HostRoot):
    class Meta:
        identifier = identifiers.GlobalId('host_id')
    host_id = attributes.Integer()


class Shelf(resources.Enclosure):
    class Meta:
        identifier = identifiers.ScopedId('number')
    number = attributes.Integer()


class Drive(resources.PhysicalDisk):
    class Meta:
        identifier = identifiers.ScopedId('shelf', 'slot')
        label = 'Hard drive'
        alert_conditions = [
            alert_conditions.ValueCondition('status', warn_states=['NEARFAILURE'], message='Drive near failure',
                                            id='nearfailure', for_seconds=1.5),
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Drive failure', id='failure'),
            alert_conditions.UpperBoundCondition('temperature', warn_bound=70, error_bound=85, warn_clear=65.5, error_clear=80,
                                                 for_seconds=90, message='Maximum operating temperature exceeded'),
            alert_conditions.LowerBoundCondition('capacity', info_bound=1000, message='Drive is small'),
        ]
        charts = [{'title': 'Bandwidth', 'series': ['read', 'written']}]
    shelf = attributes.ResourceReference()
    slot = attributes.Integer(min_val=0)
    status = attributes.Enum('OK', 'NEARFAILURE', 'FAILED')
    capacity = attributes.Bytes(label='Raw size')
    rpm = attributes.Integer(optional=True, hidden=True)
    wwn = attributes.Uuid(optional=True)
    locate = attributes.Boolean()
    wear = attributes.Float(0, 1, optional=True)
    temperature = statistics.Gauge(30, units='C')
    read = statistics.Counter(units='bytes')
    written = statistics.Counter(units='bytes')
    latency = statistics.BytesHistogram(bins=[(0, 512), (513, 1024), (1025, 4096), (4097,)])


class Pool(resources.StoragePool):
    class Meta:
        identifier = identifiers.ScopedId('name')
    name = attributes.String(max_length=16)

    def get_label(self):
        return 'pool ' + self.name


class Lun(resources.LogicalDrive):
    class Meta:
        identifier = identifiers.GlobalId('wwid')
        relations = [
            relations.Provide(provide_to=('linux', 'ScsiDevice'), attributes='wwid', ignorecase=True),
            relations.Subscribe(subscribe_to=Pool, attributes=['name']),
        ]
    wwid = attributes.Uuid()
    pool = attributes.ResourceReference()
    spare_drive = attributes.ResourceReference(optional=True)
    name = attributes.String(default='unnamed', renamed_from='title')
    mount = attributes.PosixPath(optional=True)

    def get_label(self):
        return self.name


class Node(resources.DeviceNode):
    class Meta:
        identifier = identifiers.ScopedId('host_id', 'path')
        relations = [relations.Subscribe(subscribe_to=resources.DeviceNode, attributes='path')]


class Vm(resources.VirtualMachine):
    class Meta:
        identifier = identifiers.GlobalId('vm_id', 'array')
    vm_id = attributes.Integer()
    array = attributes.ResourceReference()


class ScriptedPlugin(plugin.Plugin):
    def initial_scan(self, root):
        self.root = root
        self.updates = 0
        self.scenario = 'empty' if isinstance(root, Manual) else root.scenario or 'story'
        self.play('initial')

    def update_scan(self, root):
        self.updates += 1
        self.play(str(self.updates))

    def teardown(self):
        self.log.warning('teardown')

    def play(self, hook):
        step = getattr(self, '%s_%s' % (self.scenario, hook), None)
        if step is not None:
            step()

    # Agent data.

    def agent_session_start(self, host_id, data):
        self.report_nodes(host_id, data)

    def agent_session_continue(self, host_id, data):
        self.report_nodes(host_id, data)

    def report_nodes(self, host_id, data):
        if not isinstance(data, dict) or 'devices' not in data:
            raise ValueError('no devices')
        for path in data['devices']:
            self.update_or_create(Node, host_id=host_id, path=path)
        for node in self.find_by_attr(Node, host_id=host_id):
            if node.path not in data['devices']:
                self.remove(node)

    # Scenarios.

    def report_drive(self, slot, parents=(), status='OK'):
        drive, _ = self.update_or_create(Drive, parents=parents, shelf=self.shelf, slot=slot, status=status,
                                         capacity=4000000000000, locate=False)
        return drive

    def usual(self, name='data'):
        self.shelf, _ = self.update_or_create(Shelf, number=1)
        self.d0 = self.report_drive(0, [self.shelf])
        self.d1 = self.report_drive(1, [self.shelf])
        self.pool, _ = self.update_or_create(Pool, [self.d0, self.d1], name='p0')
        self.lun, _ = self.update_or_create(Lun, [self.pool], wwid=WWID, pool=self.pool, name=name, size=8000000000000)

    def story_initial(self):
        self.update_period = 30
        self.usual()
        self.d0.temperature = 30

    def story_1(self):
        self.d0.status = 'FAILED'
        self.d1.rpm = 7200
        self.d0.temperature = 31.5
        self.d0.read = 1000
        self.d0.latency = [1, 2, 3, 4]

    def story_3(self):
        self.d1.rpm = None
        self.lun.name = 'archive'

    def vm_initial(self):
        self.update_or_create(Vm, vm_id=0, array=self.root, address='192.168.1.11')

    def vm_1(self):
        self.root.nickname = 'renamed'

    def unicode_initial(self):
        self.usual(UNICODE_NAME)

    def fail_initial_initial(self):
        self.update_or_create(Shelf, number=1)
        raise IOError('cannot reach the array')

    def fail_update_initial(self):
        self.usual()

    def fail_update_1(self):
        self.d0.status = 'FAILED'
        self.remove(self.d1)
        self.report_drive(2, [self.shelf])
        raise IOError('connection lost')

    def bad_initial_initial(self):
        self.shelf, _ = self.update_or_create(Shelf, number=1)
        self.report_drive(0, status='MELTED')

    def bad_update_initial(self):
        self.usual()

    def bad_update_1(self):
        self.d0.status = 'FAILED'
        self.d1.status = 'MELTED'

    def partial_initial(self):
        self.usual()
        self.incomplete('shelf 2 does not answer')
        self.incomplete('shelf 3: no such place')

    def partial_1(self):
        self.incomplete('shelf 2 does not answer')

    def remove_initial(self):
        self.usual()
        self.lun.spare_drive = self.d1

    def remove_1(self):
        self.remove(self.d1)

    def remove_2(self):
        self.remove(self.pool)

    def recreate_initial(self):
        self.usual()

    def recreate_1(self):
        self.remove(self.d1)
        self.report_drive(1, [self.shelf], 'NEARFAILURE')

    def recreate_2(self):
        self.remove(self.report_drive(5, [self.shelf]))

    def recreate_3(self):
        self.report_drive(6, [self.shelf])

    def parents_initial(self):
        self.usual()

    def parents_1(self):
        self.d0.add_parent(self.update_or_create(Shelf, number=2)[0])

    def parents_2(self):
        self.d0.remove_parent(self.shelf)

    def parents_3(self):
        self.report_drive(0, [self.shelf])

    def parents_4(self):
        self.d0.add_parent(self.shelf)
        self.shelf.add_parent(self.d0)
        self.shelf.remove_parent(self.d0)

    def parents_5(self):
        self.report_drive(0)

    def print_1(self):
        print('hello')

    def log_1(self):
        self.log.debug('quiet')
        self.log.warning('drive 0 is hot')

    def post_initial(self):
        self.usual()

    def post_1(self):
        def later():
            time.sleep(0.2)
            self.d0.status = 'FAILED'
        threading.Thread(target=later).start()
