"""The classes that the plugin reports. classes.go of the Go plugin declares the same."""

from chroma_core.lib.storage_plugin.api import alert_conditions, attributes, identifiers, relations, resources, statistics

from .secret import obfuscate


class Array(resources.ScannableResource):
    """The disk array that a user adds."""

    class Meta:
        identifier = identifiers.GlobalId('url')
        label = 'Acme array'

    url = attributes.String(max_length=2048, label='Address')
    user = attributes.String(default='admin')
    password = attributes.Password(obfuscate, optional=True)
    period = attributes.Integer(min_val=1, max_val=3600, default=5, label='Update period (s)')
    push = attributes.Boolean(default=False, label='Follow events')
    name = attributes.String(optional=True, user_read_only=True)
    model = attributes.String(optional=True, user_read_only=True)
    serial_number = attributes.String(optional=True, user_read_only=True)
    firmware = attributes.String(optional=True, user_read_only=True, hidden=True)

    def get_label(self):
        return self.name or self.url


class Controller(resources.Controller):
    """One of the two controllers of the couplet."""

    class Meta:
        identifier = identifiers.ScopedId('index')
        label = 'Controller'
        alert_conditions = [
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Controller failure'),
            alert_conditions.UpperBoundCondition('temperature', warn_bound=70, error_bound=80, message='Controller too hot'),
        ]

    index = attributes.Enum(0, 1)
    serial_number = attributes.String()
    model = attributes.String(hidden=True)
    firmware = attributes.String(hidden=True)
    status = attributes.Enum('OK', 'FAILED')
    temperature = statistics.Gauge(units='C')

    def get_label(self):
        return 'Controller %d' % self.index


class Enclosure(resources.Enclosure):
    """A shelf with bays for disks. Its fans and power supplies affect it."""

    class Meta:
        identifier = identifiers.ScopedId('serial_number')
        label = 'Enclosure'
        alert_conditions = [
            alert_conditions.UpperBoundCondition('temperature', warn_bound=45, error_bound=55, message='Enclosure too hot'),
        ]

    serial_number = attributes.String()
    number = attributes.Integer()
    model = attributes.String()
    bays = attributes.Integer(hidden=True)
    temperature = statistics.Gauge(units='C')
    power = statistics.Gauge(units='W')

    def get_label(self):
        return 'Enclosure %d' % self.number


class Fan(resources.Fan):
    """A fan of an enclosure."""

    class Meta:
        identifier = identifiers.ScopedId('enclosure', 'number')
        label = 'Fan'
        alert_conditions = [
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Fan failure'),
            alert_conditions.LowerBoundCondition('speed', warn_bound=4000, message='Fan too slow'),
        ]

    enclosure = attributes.ResourceReference()
    number = attributes.Integer()
    status = attributes.Enum('OK', 'FAILED')
    speed = statistics.Gauge(units='rpm')

    def get_label(self):
        return 'Fan %d/%d' % (self.enclosure.number, self.number)


class PowerSupply(resources.Resource):
    """A power supply of an enclosure."""

    class Meta:
        identifier = identifiers.ScopedId('serial_number')
        label = 'Power supply'
        alert_conditions = [
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Power supply failure'),
        ]

    serial_number = attributes.String()
    enclosure = attributes.ResourceReference()
    number = attributes.Integer()
    status = attributes.Enum('OK', 'FAILED')

    def get_label(self):
        return 'Power supply %d/%d' % (self.enclosure.number, self.number)


class Disk(resources.PhysicalDisk):
    """A disk in a bay. Its enclosure affects it."""

    class Meta:
        identifier = identifiers.ScopedId('serial_number')
        label = 'Disk'
        alert_conditions = [
            alert_conditions.ValueCondition('status', warn_states=['NEARFAILURE'], message='Disk near failure',
                                            id='nearfailure'),
            alert_conditions.ValueCondition('status', error_states=['FAILED', 'MISSING'], message='Disk failure',
                                            id='failure'),
            alert_conditions.ValueCondition('status', info_states=['REBUILDING'], message='Disk is being rebuilt',
                                            id='rebuilding'),
            alert_conditions.UpperBoundCondition('temperature', warn_bound=55, error_bound=65, message='Disk too hot'),
        ]
        charts = [
            {'title': 'Throughput', 'series': ['read_bytes', 'written_bytes']},
            {'title': 'Temperature', 'series': ['temperature']},
        ]

    serial_number = attributes.String()
    shelf = attributes.ResourceReference(label='Enclosure')
    slot = attributes.Integer(min_val=1)
    pool = attributes.String(optional=True)  # None for a spare
    vendor = attributes.String()
    model = attributes.String()
    media = attributes.Enum('HDD', 'SSD')
    rpm = attributes.Integer(optional=True, hidden=True, label='RPM')  # None for what does not turn
    firmware = attributes.String(hidden=True)
    capacity = attributes.Bytes()
    status = attributes.Enum('OK', 'NEARFAILURE', 'FAILED', 'REBUILDING', 'MISSING')
    temperature = statistics.Gauge(units='C')
    read_bytes = statistics.Counter(units='bytes', label='Read')
    written_bytes = statistics.Counter(units='bytes', label='Written')

    def get_label(self):
        return 'Disk %d/%d' % (self.shelf.number, self.slot)


class Pool(resources.StoragePool):
    """A RAID group. Its disks affect it."""

    class Meta:
        identifier = identifiers.ScopedId('number')
        label = 'Pool'
        alert_conditions = [
            alert_conditions.ValueCondition('status', warn_states=['DEGRADED'], message='Pool degraded', id='degraded'),
            alert_conditions.ValueCondition('status', info_states=['REBUILDING'], message='Pool is being rebuilt',
                                            id='rebuilding'),
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='Pool failure', id='failure'),
        ]

    number = attributes.Integer()
    raid_type = attributes.Enum('raid5', 'raid6', 'raid10')
    capacity = attributes.Bytes()
    free = attributes.Bytes()
    status = attributes.Enum('OK', 'DEGRADED', 'REBUILDING', 'FAILED')
    rebuild_progress = attributes.Integer(optional=True, min_val=0, max_val=100, label='Rebuilt (%)')

    def get_label(self):
        return 'Pool %d' % self.number


class Lun(resources.LogicalDrive):
    """A logical drive. Its pool and its paths affect it; the hosts' SCSI devices with the same serial present it."""

    class Meta:
        identifier = identifiers.ScopedId('serial')
        label = 'LUN'
        alert_conditions = [
            alert_conditions.ValueCondition('status', error_states=['FAILED'], message='LUN offline'),
            alert_conditions.UpperBoundCondition('latency', warn_bound=20000, message='LUN slow'),
        ]
        charts = [
            {'title': 'Throughput', 'series': ['read_bytes', 'written_bytes']},
            {'title': 'Latency', 'series': ['latency']},
            {'title': 'I/O sizes', 'series': ['io_sizes']},
        ]
        relations = [
            relations.Provide(provide_to=('linux', 'ScsiDevice'), attributes=['serial'], ignorecase=True),
        ]

    serial = attributes.String()
    number = attributes.Integer()
    name = attributes.String()
    uuid = attributes.Uuid(hidden=True, label='UUID')
    status = attributes.Enum('OK', 'DEGRADED', 'FAILED')
    latency = statistics.Gauge(units='us')
    read_bytes = statistics.Counter(units='bytes', label='Read')
    written_bytes = statistics.Counter(units='bytes', label='Written')
    io_sizes = statistics.BytesHistogram(label='I/O sizes', bins=[
        (0, 4096), (4097, 16384), (16385, 65536), (65537, 262144), (262145, 1048576), (1048577, 4194304), (4194305,)])

    def get_label(self):
        return self.name


class LunPath(resources.Resource):
    """The way to a LUN through one controller, which affects it."""

    class Meta:
        identifier = identifiers.ScopedId('lun', 'controller')
        label = 'Path'
        alert_conditions = [
            alert_conditions.ValueCondition('state', warn_states=['FAILED'], message='Path lost'),
        ]

    lun = attributes.ResourceReference(label='LUN')
    controller = attributes.ResourceReference()
    state = attributes.Enum('ACTIVE', 'STANDBY', 'FAILED')

    def get_label(self):
        return '%s via controller %d' % (self.lun.name, self.controller.index)
