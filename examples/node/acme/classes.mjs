// The classes that the plugin reports: to the byte what the Go and Python plugins
// in examples/acme declare.

import {
  boolean, bytes, counter, gauge, globalId, histogram, integer, lowerBound, oneOf, password, provide, reference, resourceClass,
  scopedId, string, upperBound, uuid, valueCondition,
} from '../faultline/index.mjs';
import { obfuscate } from './secret.mjs';

export const Root = resourceClass('Array', {
  base: 'ScannableResource',
  identifier: globalId('url'),
  label: 'Acme array',
  attributes: {
    url: string({ maxLength: 2048, label: 'Address' }),
    user: string({ default: 'admin' }),
    password: password(obfuscate, { optional: true }),
    period: integer({ min: 1, max: 3600, default: 5, label: 'Update period (s)' }),
    push: boolean({ default: false, label: 'Follow events' }),
    name: string({ optional: true, readOnly: true }),
    model: string({ optional: true, readOnly: true }),
    serial_number: string({ optional: true, readOnly: true }),
    firmware: string({ optional: true, readOnly: true, hidden: true }),
  },
  getLabel: (array) => array.name || array.url,
});

export const Controller = resourceClass('Controller', {
  base: 'Controller',
  identifier: scopedId('index'),
  label: 'Controller',
  attributes: {
    index: oneOf([0, 1]),
    serial_number: string(),
    model: string({ hidden: true }),
    firmware: string({ hidden: true }),
    status: oneOf(['OK', 'FAILED']),
  },
  statistics: { temperature: gauge({ unit: 'C' }) },
  conditions: [
    valueCondition('status', { error: ['FAILED'], message: 'Controller failure' }),
    upperBound('temperature', { warn: 70, error: 80, message: 'Controller too hot' }),
  ],
  getLabel: (controller) => `Controller ${controller.index}`,
});

export const Enclosure = resourceClass('Enclosure', {
  base: 'Enclosure',
  identifier: scopedId('serial_number'),
  label: 'Enclosure',
  attributes: { serial_number: string(), number: integer(), model: string(), bays: integer({ hidden: true }) },
  statistics: { temperature: gauge({ unit: 'C' }), power: gauge({ unit: 'W' }) },
  conditions: [upperBound('temperature', { warn: 45, error: 55, message: 'Enclosure too hot' })],
  getLabel: (enclosure) => `Enclosure ${enclosure.number}`,
});

export const Fan = resourceClass('Fan', {
  base: 'Fan',
  identifier: scopedId('enclosure', 'number'),
  label: 'Fan',
  attributes: { enclosure: reference(), number: integer(), status: oneOf(['OK', 'FAILED']) },
  statistics: { speed: gauge({ unit: 'rpm' }) },
  conditions: [
    valueCondition('status', { error: ['FAILED'], message: 'Fan failure' }),
    lowerBound('speed', { warn: 4000, message: 'Fan too slow' }),
  ],
  getLabel: (fan) => `Fan ${fan.enclosure.number}/${fan.number}`,
});

export const PowerSupply = resourceClass('PowerSupply', {
  identifier: scopedId('serial_number'),
  label: 'Power supply',
  attributes: { serial_number: string(), enclosure: reference(), number: integer(), status: oneOf(['OK', 'FAILED']) },
  conditions: [valueCondition('status', { error: ['FAILED'], message: 'Power supply failure' })],
  getLabel: (supply) => `Power supply ${supply.enclosure.number}/${supply.number}`,
});

export const Disk = resourceClass('Disk', {
  base: 'PhysicalDisk',
  identifier: scopedId('serial_number'),
  label: 'Disk',
  attributes: {
    serial_number: string(),
    shelf: reference({ label: 'Enclosure' }),
    slot: integer({ min: 1 }),
    pool: string({ optional: true }), // null for a spare
    vendor: string(),
    model: string(),
    media: oneOf(['HDD', 'SSD']),
    rpm: integer({ optional: true, hidden: true, label: 'RPM' }), // null for what does not turn
    firmware: string({ hidden: true }),
    capacity: bytes(),
    status: oneOf(['OK', 'NEARFAILURE', 'FAILED', 'REBUILDING', 'MISSING']),
  },
  statistics: {
    temperature: gauge({ unit: 'C' }),
    read_bytes: counter({ unit: 'bytes', label: 'Read' }),
    written_bytes: counter({ unit: 'bytes', label: 'Written' }),
  },
  conditions: [
    valueCondition('status', { warn: ['NEARFAILURE'], message: 'Disk near failure', id: 'nearfailure' }),
    valueCondition('status', { error: ['FAILED', 'MISSING'], message: 'Disk failure', id: 'failure' }),
    valueCondition('status', { info: ['REBUILDING'], message: 'Disk is being rebuilt', id: 'rebuilding' }),
    upperBound('temperature', { warn: 55, error: 65, message: 'Disk too hot' }),
  ],
  charts: [
    { title: 'Throughput', series: ['read_bytes', 'written_bytes'] },
    { title: 'Temperature', series: ['temperature'] },
  ],
  getLabel: (disk) => `Disk ${disk.shelf.number}/${disk.slot}`,
});

export const Pool = resourceClass('Pool', {
  base: 'StoragePool',
  identifier: scopedId('number'),
  label: 'Pool',
  attributes: {
    number: integer(),
    raid_type: oneOf(['raid5', 'raid6', 'raid10']),
    capacity: bytes(),
    free: bytes(),
    status: oneOf(['OK', 'DEGRADED', 'REBUILDING', 'FAILED']),
    rebuild_progress: integer({ optional: true, min: 0, max: 100, label: 'Rebuilt (%)' }),
  },
  conditions: [
    valueCondition('status', { warn: ['DEGRADED'], message: 'Pool degraded', id: 'degraded' }),
    valueCondition('status', { info: ['REBUILDING'], message: 'Pool is being rebuilt', id: 'rebuilding' }),
    valueCondition('status', { error: ['FAILED'], message: 'Pool failure', id: 'failure' }),
  ],
  getLabel: (pool) => `Pool ${pool.number}`,
});

export const Lun = resourceClass('Lun', {
  base: 'LogicalDrive',
  identifier: scopedId('serial'),
  label: 'LUN',
  attributes: {
    serial: string(),
    number: integer(),
    name: string(),
    uuid: uuid({ hidden: true, label: 'UUID' }),
    status: oneOf(['OK', 'DEGRADED', 'FAILED']),
  },
  statistics: {
    latency: gauge({ unit: 'us' }),
    read_bytes: counter({ unit: 'bytes', label: 'Read' }),
    written_bytes: counter({ unit: 'bytes', label: 'Written' }),
    io_sizes: histogram(
      [[0, 4096], [4097, 16384], [16385, 65536], [65537, 262144], [262145, 1048576], [1048577, 4194304], [4194305]],
      { unit: 'bytes', label: 'I/O sizes' },
    ),
  },
  conditions: [
    valueCondition('status', { error: ['FAILED'], message: 'LUN offline' }),
    upperBound('latency', { warn: 20000, message: 'LUN slow' }),
  ],
  charts: [
    { title: 'Throughput', series: ['read_bytes', 'written_bytes'] },
    { title: 'Latency', series: ['latency'] },
    { title: 'I/O sizes', series: ['io_sizes'] },
  ],
  relations: [provide(['linux', 'ScsiDevice'], ['serial'], { ignoreCase: true })],
  getLabel: (lun) => lun.name,
});

export const LunPath = resourceClass('LunPath', {
  identifier: scopedId('lun', 'controller'),
  label: 'Path',
  attributes: { lun: reference({ label: 'LUN' }), controller: reference(), state: oneOf(['ACTIVE', 'STANDBY', 'FAILED']) },
  conditions: [valueCondition('state', { warn: ['FAILED'], message: 'Path lost' })],
  getLabel: (path) => `${path.lun.name} via controller ${path.controller.index}`,
});
