#!/usr/bin/env node
// The scripted plugin of protocol/transcripts/README.md.

import {
  autoId, boolean, bytes, counter, float, gauge, globalId, histogram, hostname, integer, lowerBound, oneOf, password, path,
  provide, reference, resourceClass, scopedId, serve, string, subscribe, upperBound, uuid, valueCondition,
} from '../faultline/index.mjs';

const wwid = 'b44f7d8e-a40d-4b96-b241-2ab462b4c1c1';

function reverse(text) {
  if (text === 'refuse') throw new Error('not this one');
  return [...text].reverse().join('');
}

const Array = resourceClass('Array', {
  base: 'ScannableResource',
  identifier: globalId('address'),
  attributes: {
    address: hostname(),
    password: password(reverse, { optional: true }),
    port: integer({ min: 1, max: 65535, default: 8080, label: 'TCP port' }),
    nickname: string({ hidden: true, default: (values) => `array at ${values.address}` }),
    scenario: string({ maxLength: 32, optional: true }),
  },
});

const Manual = resourceClass('Manual', { base: 'ScannableResource', identifier: autoId(), attributes: { note: string() } });
const Server = resourceClass('Server', { base: 'HostRoot', identifier: globalId('host_id'), attributes: { host_id: integer() } });
const Shelf = resourceClass('Shelf', { base: 'Enclosure', identifier: scopedId('number'), attributes: { number: integer() } });

const Drive = resourceClass('Drive', {
  base: 'PhysicalDisk',
  identifier: scopedId('shelf', 'slot'),
  label: 'Hard drive',
  attributes: {
    shelf: reference(),
    slot: integer({ min: 0 }),
    status: oneOf(['OK', 'NEARFAILURE', 'FAILED']),
    capacity: bytes({ label: 'Raw size' }),
    rpm: integer({ optional: true, hidden: true }),
    wwn: uuid({ optional: true }),
    locate: boolean(),
    wear: float({ min: 0, max: 1, optional: true }),
  },
  statistics: {
    temperature: gauge({ unit: 'C', samplePeriod: 30 }),
    read: counter({ unit: 'bytes' }),
    written: counter({ unit: 'bytes' }),
    latency: histogram([[0, 512], [513, 1024], [1025, 4096], [4097]], { unit: 'bytes' }),
  },
  conditions: [
    valueCondition('status', { warn: ['NEARFAILURE'], message: 'Drive near failure', id: 'nearfailure', forSeconds: 1.5 }),
    valueCondition('status', { error: ['FAILED'], message: 'Drive failure', id: 'failure' }),
    upperBound('temperature', {
      warn: 70, warnClear: 65.5, error: 85, errorClear: 80, forSeconds: 90, message: 'Maximum operating temperature exceeded',
    }),
    lowerBound('capacity', { info: 1000, message: 'Drive is small' }),
  ],
  charts: [{ title: 'Bandwidth', series: ['read', 'written'] }],
});

const Pool = resourceClass('Pool', {
  base: 'StoragePool',
  identifier: scopedId('name'),
  attributes: { name: string({ maxLength: 16 }) },
  getLabel: (pool) => `pool ${pool.name}`,
});

const Lun = resourceClass('Lun', {
  base: 'LogicalDrive',
  identifier: globalId('wwid'),
  attributes: {
    wwid: uuid(),
    pool: reference(),
    spare_drive: reference({ optional: true }),
    name: string({ default: 'unnamed', renamedFrom: ['title'] }),
    mount: path({ optional: true }),
  },
  relations: [provide(['linux', 'ScsiDevice'], ['wwid'], { ignoreCase: true }), subscribe(Pool, ['name'])],
  getLabel: (lun) => lun.name,
});

const Node = resourceClass('Node', {
  base: 'DeviceNode', identifier: scopedId('host_id', 'path'), relations: [subscribe('DeviceNode', ['path'])],
});

const Vm = resourceClass('Vm', {
  base: 'VirtualMachine', identifier: globalId('vm_id', 'array'), attributes: { vm_id: integer(), array: reference() },
});

// scenarios[name][hook](p) does what the table of the transcripts says.
const scenarios = {
  story: {
    initial(p) {
      p.session.updatePeriod = 30;
      p.usual();
      p.d0.temperature = 30;
    },
    1(p) {
      p.d0.status = 'FAILED';
      p.d1.rpm = 7200;
      p.d0.temperature = 31.5;
      p.d0.read = 1000;
      p.d0.latency = [1, 2, 3, 4];
    },
    3(p) {
      p.d1.rpm = null;
      p.lun.name = 'archive';
    },
  },
  empty: {},
  vm: {
    initial: (p) => p.session.report(Vm, { vm_id: 0, array: p.root, address: '192.168.1.11' }),
    1(p) { p.root.nickname = 'renamed'; },
  },
  unicode: { initial: (p) => p.usual('Größe 漢字 😀 "q" \\ \t\n</a>\u2028\u0001 end') },
  fail_initial: {
    initial(p) {
      p.session.report(Shelf, { number: 1 });
      throw new Error('cannot reach the array');
    },
  },
  fail_update: {
    initial: (p) => p.usual(),
    1(p) {
      p.d0.status = 'FAILED';
      p.session.remove(p.d1);
      p.drive(2, { parents: [p.shelf] });
      throw new Error('connection lost');
    },
  },
  bad_initial: {
    initial(p) {
      p.shelf = p.session.report(Shelf, { number: 1 });
      p.drive(0, { status: 'MELTED' });
    },
  },
  bad_update: {
    initial: (p) => p.usual(),
    1(p) {
      p.d0.status = 'FAILED';
      p.d1.status = 'MELTED';
    },
  },
  partial: {
    initial(p) {
      p.usual();
      p.session.incomplete('shelf 2 does not answer');
      p.session.incomplete('shelf 3: no such place');
    },
    1: (p) => p.session.incomplete('shelf 2 does not answer'),
  },
  remove: {
    initial(p) {
      p.usual();
      p.lun.spare_drive = p.d1;
    },
    1: (p) => p.session.remove(p.d1),
    2: (p) => p.session.remove(p.pool),
  },
  recreate: {
    initial: (p) => p.usual(),
    1(p) {
      p.session.remove(p.d1);
      p.drive(1, { status: 'NEARFAILURE', parents: [p.shelf] });
    },
    2: (p) => p.session.remove(p.drive(5, { parents: [p.shelf] })),
    3: (p) => p.drive(6, { parents: [p.shelf] }),
  },
  parents: {
    initial: (p) => p.usual(),
    1: (p) => p.d0.addParent(p.session.report(Shelf, { number: 2 })),
    2: (p) => p.d0.removeParent(p.shelf),
    3: (p) => p.drive(0, { parents: [p.shelf] }),
    4(p) {
      p.d0.addParent(p.shelf);
      p.shelf.addParent(p.d0);
      p.shelf.removeParent(p.d0);
    },
    5: (p) => p.drive(0),
  },
  print: { 1: () => console.log('hello') },
  log: {
    1(p) {
      p.session.log.debug('quiet');
      p.session.log.warning('drive 0 is hot');
    },
  },
  post: {
    initial: (p) => p.usual(),
    1(p) { setTimeout(() => { p.d0.status = 'FAILED'; }, 200); },
  },
};

class Scripted {
  constructor(session, root) {
    Object.assign(this, { session, root, updates: 0 });
    this.scenario = scenarios[root.note === undefined ? (root.scenario ?? 'story') : 'empty'];
  }

  initialScan() { this.scenario.initial?.(this); }

  updateScan() { this.scenario[++this.updates]?.(this); }

  teardown() { this.session.log.warning('teardown'); }

  agentStart(hostId, data) { this.nodes(hostId, data); }

  agentContinue(hostId, data) { this.nodes(hostId, data); }

  nodes(hostId, data) {
    if (!globalThis.Array.isArray(data?.devices)) throw new Error('no devices');
    for (const device of data.devices) this.session.report(Node, { host_id: hostId, path: device });
    for (const node of this.session.find(Node)) if (!data.devices.includes(node.path)) this.session.remove(node);
  }

  drive(slot, { status = 'OK', parents = [] } = {}) {
    return this.session.report(Drive, { shelf: this.shelf, slot, status, capacity: 4e12, locate: false }, parents);
  }

  usual(name = 'data') {
    const { session } = this;
    this.shelf = session.report(Shelf, { number: 1 });
    this.d0 = this.drive(0, { parents: [this.shelf] });
    this.d1 = this.drive(1, { parents: [this.shelf] });
    this.pool = session.report(Pool, { name: 'p0' }, [this.d0, this.d1]);
    this.lun = session.report(Lun, { wwid, pool: this.pool, name, size: 8e12 }, [this.pool]);
  }
}

serve({ version: '1.0', classes: [Array, Manual, Server, Shelf, Drive, Pool, Lun, Node, Vm], plugin: Scripted });
