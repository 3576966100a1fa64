"""The plugin for Acme disk arrays, such as examples/acme/sim simulates, in Python.

The Go package beside it is the same plugin: both declare the same classes and report the same resources. An initial scan
reads everything. An update scan asks for what changed since the revision that was read last. A plugin whose root has push
set also follows the array's events and reports what they tell at once.
"""

import base64
import http.client
import json
import socket
import threading
import urllib.parse

from chroma_core.lib.storage_plugin.api import (
    alert_conditions, attributes, identifiers, plugin, relations, resources, statistics)

version = 1

OBFUSCATED = 'acme1:'  # before an obfuscated password; says how it was made
PAD = b'Acme array'
REQUEST_TIMEOUT = 10   # seconds for one answer, event waits aside
EVENT_WAIT = 30        # seconds
PAGE_SIZE = 2000       # objects in one answer
RETRY_PAUSE = 1        # seconds after the events could not be read


def _mask(data):
    """Hide or show the bytes of a password: it is its own inverse."""
    return bytes(b ^ PAD[i % len(PAD)] for i, b in enumerate(data))


def obfuscate(password):
    """Hide a password from a casual look, as the Go plugin does. This is no encryption; Faultline encrypts its store."""
    return OBFUSCATED + base64.b64encode(_mask(password.encode())).decode()


def reveal(stored):
    """Undo obfuscate."""
    try:
        if not stored.startswith(OBFUSCATED):
            raise ValueError
        return _mask(base64.b64decode(stored[len(OBFUSCATED):], validate=True)).decode()
    except ValueError:
        raise ValueError('the stored password was not made by this plugin; enter it again') from None


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


class ArrayError(Exception):
    """The array answered with an error, or with something that is no answer."""


class RestartedError(ArrayError):
    """The array cannot tell what changed."""

    def __init__(self):
        super().__init__('the array was restarted or no longer knows what changed; everything must be read anew')


class Client:
    """One connection to the interface of an array. It serves one thread; close may come from another."""

    def __init__(self, root):
        address = urllib.parse.urlsplit(root.url)
        if address.scheme not in ('http', 'https') or not address.hostname:
            raise ValueError('url %r is no address such as http://127.0.0.1:8080' % root.url)
        make = http.client.HTTPSConnection if address.scheme == 'https' else http.client.HTTPConnection
        self._make = lambda: make(address.hostname, address.port, timeout=REQUEST_TIMEOUT)
        self._base = root.url.rstrip('/')
        self._prefix = address.path.rstrip('/') + '/api/v1/'
        self._user = root.user
        self._headers = {}
        if root.password:
            login = '%s:%s' % (root.user, reveal(root.password))
            self._headers['Authorization'] = 'Basic ' + base64.b64encode(login.encode()).decode()
        self._connection = None
        self._closed = False

    def get(self, path, timeout=REQUEST_TIMEOUT):
        """Return the decoded answer to one request."""
        try:
            status, reason, body = self._request(path, timeout)
        except (OSError, http.client.HTTPException) as e:
            self._drop()
            raise ArrayError('read %s/%s: %s' % (self._base, path, e or type(e).__name__)) from e
        if status == 410:
            raise RestartedError()
        if status == 401:
            raise ArrayError('%s refuses user %r with the given password' % (self._base, self._user))
        if status != 200:
            raise ArrayError('read %s: %d %s: %.200s' % (path, status, reason, body.decode(errors='replace')))
        try:
            answer = json.loads(body)
        except ValueError as e:
            raise ArrayError('read %s: the answer is no JSON: %s' % (path, e)) from None
        if not isinstance(answer, dict):
            raise ArrayError('read %s: the answer is no JSON object' % path)
        return answer

    def _request(self, path, timeout):
        reused = self._connection is not None
        while True:
            if self._connection is None:
                self._connection = self._make()
            try:
                self._connection.timeout = timeout
                if self._connection.sock is not None:
                    self._connection.sock.settimeout(timeout)
                self._connection.request('GET', self._prefix + path, headers=self._headers)
                response = self._connection.getresponse()
                return response.status, response.reason, response.read()
            except (ConnectionError, http.client.BadStatusLine):
                # The array may have closed a connection that rested. A new one tells.
                self._drop()
                if not reused or self._closed:
                    raise
                reused = False

    def _drop(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self):
        """End the request that is running, if one is, and refuse to repeat it."""
        self._closed = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was closed already

    def system(self):
        """Return the summary of the array."""
        system = self.get('system')
        if not isinstance(system.get('boot'), str) or not isinstance(system.get('revision'), int):
            raise ArrayError('%s is no Acme array: its system has no boot name and revision' % self._base)
        return system

    def read(self, boot, since=None):
        """Return (objects by kind, removed ids): everything, or what changed after a revision."""
        query = 'boot=' + urllib.parse.quote(boot, safe='')
        if since is not None:
            query += '&since=%d' % since
        objects, removed = {}, []
        for name, kind in LISTS.items():
            found, offset = [], 0
            while offset is not None:
                page = self.get('%s?%s&offset=%d&limit=%d' % (name, query, offset, PAGE_SIZE))
                if not isinstance(page.get('items'), list):
                    raise ArrayError('read %s: the answer has no items' % name)
                found += page['items']
                removed += page.get('removed', ())
                offset = page.get('next')
            objects[kind] = found
        return objects, removed

    def events(self, boot, since):
        """Wait for changes after a revision and return the answer."""
        return self.get('events?boot=%s&since=%d&wait=%ds' % (urllib.parse.quote(boot, safe=''), since, EVENT_WAIT),
                        EVENT_WAIT + REQUEST_TIMEOUT)


# The lists of the interface and the kinds of their objects.
LISTS = {
    'controllers': 'controller', 'enclosures': 'enclosure', 'fans': 'fan', 'power-supplies': 'psu',
    'disks': 'disk', 'pools': 'pool', 'luns': 'lun', 'paths': 'path',
}


class Acme(plugin.Plugin):
    """Talks to one array."""

    def initial_scan(self, root):
        self._lock = threading.Lock()  # guards what follows: hooks and the listener both report
        self._known = {kind: {} for kind in LISTS.values()}  # kind → id → resource
        self._boot = None    # the run of the array that the revisions belong to
        self._since = 0      # what changed up to this revision was read by a scan
        self._seen = 0       # what changed up to this revision was read by a scan or an event
        self._stopped = threading.Event()
        self._listener = self._events_client = None
        self._client = Client(root)
        self.update_period = root.period
        system = self._client.system()
        self._report(root, system, *self._client.read(system['boot']))
        if root.push:
            self._events_client = Client(root)
            self._listener = threading.Thread(target=self._listen, args=(self._boot, self._since), daemon=True)
            self._listener.start()

    def update_scan(self, root):
        """Report what changed. Fails if the array cannot tell; Faultline then begins anew with an initial scan."""
        system = self._client.system()
        if system['boot'] != self._boot:
            raise RestartedError()
        if system['revision'] != self._since:
            self._report(root, system, *self._client.read(self._boot, self._since))

    def teardown(self):
        if getattr(self, '_listener', None) is not None:
            self._stopped.set()
            self._events_client.close()
            self._listener.join(REQUEST_TIMEOUT)

    def _report(self, root, system, objects, removed):
        """Report what a scan read. What changed while it was read is read again by the next scan."""
        with self._lock:
            root.name, root.model = system.get('name'), system.get('model')
            root.serial_number, root.firmware = system.get('serial'), system.get('firmware')
            self._apply(objects, removed)
            self._boot, self._since, self._seen = system['boot'], system['revision'], system['revision']

    def _listen(self, boot, since):
        """Follow the array's events until teardown or until the array no longer knows what the plugin has seen."""
        while not self._stopped.is_set():
            try:
                answer = self._events_client.events(boot, since)
                objects, removed = {}, []
                for event in answer['events']:
                    if event['op'] == 'remove':
                        removed.append(event['id'])
                    else:
                        objects.setdefault(event['kind'], []).append(event['object'])
                since = int(answer['revision'])
            except RestartedError:
                return  # the next update scan finds out too, and ends the session
            except (ArrayError, KeyError, TypeError, ValueError) as e:
                if not self._stopped.is_set():
                    self.log.warning("the array's events could not be read; trying again: %r", e)
                    self._stopped.wait(RETRY_PAUSE)
                continue
            if not answer.get('overflow'):  # else so much happened that it is left to the update scan
                self._push(since, objects, removed)

    def _push(self, revision, objects, removed):
        """Report what events told, unless a scan has read it already."""
        with self._lock:
            if revision <= self._seen or self._stopped.is_set():
                return
            self._seen = revision
            try:
                self._apply(objects, removed)
            except Exception:
                self.log.exception('an event could not be used; everything is read anew')
                self._boot = None  # the next update scan ends the session

    def _apply(self, objects, removed):
        """Report what was read, affectors first.

        Fans and power supplies affect their enclosure, an enclosure its disks, disks their pool, a pool its LUNs; a
        controller affects the paths through it, and those the LUN.
        """
        known = self._known
        for name in removed:
            for resources_of_kind in known.values():
                resource = resources_of_kind.pop(name, None)
                if resource is not None:
                    self.remove(resource)
        for o in objects.get('controller', ()):
            c, _ = self.update_or_create(Controller, index=o['index'], serial_number=o['serial'], model=o['model'],
                                         firmware=o['firmware'], status=o['status'])
            c.temperature = o['temperature_c']
            known['controller'][o['id']] = c
        self._apply_shelves(objects)
        self._apply_storage(objects)
        for o in objects.get('lun', ()):
            lun, _ = self.update_or_create(
                Lun, [self._need('pool', o['pool'], o)], serial=o['wwid'], number=o['number'], name=o['name'], uuid=o['uuid'],
                status=o['status'], size=o['size_bytes'])
            lun.latency = o['latency_us']
            lun.read_bytes = o['read_bytes']
            lun.written_bytes = o['written_bytes']
            lun.io_sizes = o['io_sizes']
            known['lun'][o['id']] = lun
        for o in objects.get('path', ()):
            lun, controller = self._need('lun', o['lun'], o), self._need('controller', o['controller'], o)
            path, _ = self.update_or_create(LunPath, [controller], lun=lun, controller=controller, state=o['state'])
            lun.add_parent(path)
            known['path'][o['id']] = path

    def _apply_shelves(self, objects):
        """Report enclosures and what keeps them cool and powered."""
        known = self._known
        for o in objects.get('enclosure', ()):
            e, _ = self.update_or_create(Enclosure, serial_number=o['serial'], number=o['number'], model=o['model'],
                                         bays=o['bays'])
            e.temperature = o['temperature_c']
            e.power = o['power_w']
            known['enclosure'][o['id']] = e
        for o in objects.get('fan', ()):
            e = self._need('enclosure', o['enclosure'], o)
            fan, _ = self.update_or_create(Fan, enclosure=e, number=o['number'], status=o['status'])
            fan.speed = o['rpm']
            e.add_parent(fan)
            known['fan'][o['id']] = fan
        for o in objects.get('psu', ()):
            e = self._need('enclosure', o['enclosure'], o)
            psu, _ = self.update_or_create(PowerSupply, serial_number=o['serial'], enclosure=e, number=o['number'],
                                           status=o['status'])
            e.add_parent(psu)
            known['psu'][o['id']] = psu

    def _apply_storage(self, objects):
        """Report disks and pools, and which disks joined and left which pools."""
        disks, pools, enclosures = self._known['disk'], self._known['pool'], self._known['enclosure']
        report = self.update_or_create
        joined = {}  # pool id → disks
        for o in objects.get('disk', ()):
            e = enclosures.get(o['enclosure']) or self._need('enclosure', o['enclosure'], o)
            disk, pool = disks.get(o['id']), o.get('pool')
            before = disk.pool if disk is not None else None
            disk, _ = report(Disk, [e], serial_number=o['serial'], shelf=e, slot=o['slot'], pool=pool, vendor=o['vendor'],
                             model=o['model'], media=o['media'], rpm=o.get('rpm'), firmware=o['firmware'],
                             capacity=o['capacity_bytes'], status=o['status'])
            disk.temperature = o['temperature_c']
            disk.read_bytes = o['read_bytes']
            disk.written_bytes = o['written_bytes']
            disks[o['id']] = disk
            if pool != before:
                if before in pools:
                    pools[before].remove_parent(disk)
                if pool is not None:
                    joined.setdefault(pool, []).append(disk)
        for o in objects.get('pool', ()):
            pools[o['id']], _ = report(
                Pool, joined.pop(o['id'], []), number=o['number'], raid_type=o['raid_type'], capacity=o['capacity_bytes'],
                free=o['free_bytes'], status=o['status'], rebuild_progress=o.get('rebuild_percent'))
        for name, members in joined.items():  # pools of which nothing else changed
            pool = self._need('pool', name, {'id': 'a disk'})
            for disk in members:
                pool.add_parent(disk)

    def _need(self, kind, name, by):
        resource = self._known[kind].get(name)
        if resource is None:
            raise ArrayError('%s names %s, which the array does not list' % (by['id'], name))
        return resource
