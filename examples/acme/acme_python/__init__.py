"""The plugin for Acme disk arrays, such as examples/acme/sim simulates, in Python.

The Go package beside it is the same plugin: both declare the same classes and report the same resources. An initial scan
reads everything. An update scan asks for what changed since the revision that was read last. A plugin whose root has push
set also follows the array's events and reports what they tell at once.
"""

import threading

from chroma_core.lib.storage_plugin.api import plugin

from .classes import Controller, Disk, Enclosure, Fan, Lun, LunPath, Pool, PowerSupply
from .client import LISTS, REQUEST_TIMEOUT, ArrayError, Client, RestartedError

version = 1

__version__ = '1.0'

RETRY_PAUSE = 1  # seconds after the events could not be read


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
