#!/usr/bin/env node
// The Example Plugin of the guide.

import { bytes, gauge, globalId, hostname, integer, oneOf, provide, resourceClass, scopedId, serve, string } from '../faultline/index.mjs';

const classes = [
  resourceClass('Couplet', {
    base: 'ScannableResource',
    identifier: globalId('address_1', 'address_2'),
    attributes: { address_1: hostname(), address_2: hostname() },
  }),
  resourceClass('Controller', { base: 'Controller', identifier: scopedId('index'), attributes: { index: oneOf([0, 1]) } }),
  resourceClass('HardDrive', {
    base: 'PhysicalDisk',
    identifier: scopedId('serial_number'),
    attributes: { serial_number: string(), capacity: bytes() },
    statistics: { temperature: gauge({ unit: 'C' }) },
  }),
  resourceClass('RaidPool', {
    base: 'StoragePool',
    identifier: scopedId('local_id'),
    attributes: { local_id: integer(), raid_type: oneOf(['raid0', 'raid1', 'raid5', 'raid6']), capacity: bytes() },
    getLabel: (pool) => pool.local_id,
  }),
  resourceClass('Lun', {
    base: 'LogicalDrive',
    identifier: scopedId('local_id'),
    attributes: { local_id: integer(), name: string(), serial: string() },
    relations: [provide(['linux', 'ScsiDevice'], ['serial'], { ignoreCase: true })],
    getLabel: (lun) => lun.name,
  }),
];

class ExamplePlugin {
  initialScan() {}

  updateScan() {}

  teardown() {}
}

serve({ version: '1.0', classes, plugin: ExamplePlugin });
