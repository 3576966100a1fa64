// The classes of the mock: an array plugin and a Redfish-like one.

const attribute = (name, kind, more = {}) => ({
  name,
  kind,
  label: (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll('_', ' '),
  optional: false,
  hidden: false,
  user_read_only: false,
  identifying: false,
  default_computed: false,
  ...more,
});
const readOnly = { user_read_only: true };
const identifying = { identifying: true, user_read_only: true };

const gauge = (name, unit, label = name.charAt(0).toUpperCase() + name.slice(1)) => ({ name, kind: 'gauge', label, unit, sample_period: 10 });
const counter = (name, label, unit) => ({ name, kind: 'counter', label, unit, sample_period: 10 });

function make(plugin, name, label, base, attributes, more = {}) {
  const bases = base ? [base, 'Resource'] : ['Resource'];
  const scannable = base === 'ScannableResource';
  return {
    plugin,
    name,
    label,
    full: `${plugin}.${name}`,
    bases,
    identifier: { scope: scannable ? 'global' : 'scoped', attributes: attributes.filter((a) => a.identifying).map((a) => a.name) },
    scannable,
    root: scannable,
    attributes,
    statistics: [],
    conditions: [],
    relations: [],
    // Without charts of its own a class has one for each statistic.
    charts: (more.statistics ?? []).map((s) => ({ title: s.label, series: [s.name] })),
    columns: attributes.filter((a) => !a.hidden && a.kind !== 'password').map((a) => a.name),
    ...more,
  };
}

const status = (values) => attribute('status', 'enum', { options: values, ...readOnly });

export const classes = [
  make('acme', 'Array', 'Acme array', 'ScannableResource', [
    attribute('address', 'hostname', { identifying: true, label: 'Management address' }),
    attribute('port', 'integer', { min: 1, max: 65535, default: 8080 }),
    attribute('user', 'string', { max_length: 40 }),
    attribute('password', 'password'),
    attribute('protocol', 'enum', { options: ['https', 'http'], default: 'https' }),
    attribute('verify_tls', 'boolean', { label: 'Verify the certificate', default: true }),
    attribute('site', 'string', { optional: true }),
    attribute('firmware', 'string', { optional: true, ...readOnly }),
  ]),
  make('acme', 'Controller', 'Controller', 'Controller', [
    attribute('serial', 'string', identifying),
    attribute('slot', 'enum', { options: ['A', 'B'], ...readOnly }),
    status(['OK', 'DEGRADED', 'FAILED']),
    attribute('cache', 'bytes', readOnly),
  ], { statistics: [gauge('temperature', 'C')] }),
  make('acme', 'Enclosure', 'Enclosure', 'Enclosure', [
    attribute('index', 'integer', identifying),
    attribute('serial', 'string', readOnly),
    attribute('bays', 'integer', readOnly),
    status(['OK', 'FAILED']),
  ]),
  make('acme', 'Fan', 'Fan', 'Fan', [
    attribute('enclosure', 'reference', identifying),
    attribute('index', 'integer', identifying),
    status(['OK', 'FAILED']),
  ], { statistics: [gauge('speed', 'rpm')] }),
  make('acme', 'Disk', 'Disk', 'PhysicalDisk', [
    attribute('serial', 'string', identifying),
    attribute('enclosure', 'reference', readOnly),
    attribute('slot', 'integer', readOnly),
    attribute('model', 'string', readOnly),
    attribute('capacity', 'bytes', readOnly),
    status(['OK', 'REBUILDING', 'FAILED']),
    attribute('firmware', 'string', { hidden: true, ...readOnly }),
    attribute('spare', 'boolean', readOnly),
  ], {
    statistics: [gauge('temperature', 'C'), counter('read_bytes', 'Read', 'bytes')],
    conditions: [
      { name: 'status', kind: 'value', attribute: 'status', message: 'Disk failure', states: { error: ['FAILED'], info: ['REBUILDING'] } },
      { name: 'temperature', kind: 'upper_bound', attribute: 'temperature', message: 'High temperature', bounds: { warning: 55 } },
    ],
  }),
  make('acme', 'Pool', 'RAID pool', 'StoragePool', [
    attribute('name', 'string', identifying),
    attribute('raid_level', 'enum', { label: 'RAID level', options: ['RAID5', 'RAID6', 'RAID10'], ...readOnly }),
    attribute('capacity', 'bytes', readOnly),
    attribute('used', 'bytes', readOnly),
    status(['OK', 'DEGRADED', 'FAILED']),
  ], {
    statistics: [
      gauge('load', '%'),
      {
        name: 'io_size',
        kind: 'histogram',
        label: 'I/O size',
        unit: 'bytes',
        sample_period: 10,
        bins: [[0, 512], [513, 4096], [4097, 65536], [65537, 1048576], [1048577]],
      },
    ],
  }),
  make('acme', 'Lun', 'LUN', 'LogicalDrive', [
    attribute('wwid', 'string', { ...identifying, label: 'World wide id' }),
    attribute('pool', 'reference', readOnly),
    attribute('size', 'bytes', readOnly),
    attribute('preferred', 'reference', { optional: true, label: 'Preferred controller', ...readOnly }),
  ], {
    // The first chart is the guide's own example; the second has two units.
    statistics: [
      gauge('read_bytes_per_sec', 'bytes/s', 'Read'),
      gauge('write_bytes_per_sec', 'bytes/s', 'Write'),
      counter('requests', 'Requests', ''),
      gauge('latency', 'ms'),
    ],
    charts: [
      { title: 'Bandwidth', series: ['read_bytes_per_sec', 'write_bytes_per_sec'] },
      { title: 'Requests and latency', series: ['requests', 'latency'] },
    ],
  }),
  make('lustre', 'Target', 'Storage target', 'LogicalDriveOccupier', [
    attribute('name', 'string', identifying),
    attribute('size', 'bytes', readOnly),
  ]),
  make('lustre', 'FileSystem', 'File system', null, [attribute('name', 'string', identifying), attribute('size', 'bytes', readOnly)]),
  make('linux', 'ScsiDevice', 'SCSI device', 'LogicalDrive', [attribute('serial', 'string', identifying), attribute('size', 'bytes', readOnly)]),
  make('linux', 'LinuxDeviceNode', 'Device node', 'DeviceNode', [
    attribute('path', 'path', identifying),
    attribute('host_id', 'integer', { hidden: true, ...readOnly }),
    attribute('size', 'bytes', readOnly),
  ]),
  make('linux', 'LocalMount', 'Mount', 'LogicalDriveOccupier', [
    attribute('mount_point', 'path', { ...identifying, label: 'Mount point' }),
    attribute('device', 'string', readOnly),
    attribute('filesystem_type', 'string', { optional: true, label: 'File system type', ...readOnly }),
  ]),
  make('faultline', 'Host', 'Host', null, [attribute('fqdn', 'string', { ...identifying, label: 'Name' }), attribute('state', 'string', readOnly)]),
  make('faultline', 'HostPlugin', 'Agent plugin of a host', null, [attribute('host_id', 'integer', identifying), attribute('plugin', 'string', identifying)], {
    bases: ['Internal', 'HostRoot', 'Resource'],
    root: true,
  }),
  make('redfish', 'Service', 'Redfish service', 'ScannableResource', [
    attribute('url', 'string', { identifying: true, label: 'URL' }),
    attribute('user', 'string', { optional: true }),
    attribute('password', 'password', { optional: true }),
    attribute('verify_tls', 'boolean', { label: 'Verify TLS', default: true }),
  ]),
  make('redfish', 'Chassis', 'Chassis', 'Enclosure', [
    attribute('uri', 'path', { ...identifying, hidden: true }),
    attribute('name', 'string', readOnly),
    attribute('model', 'string', { optional: true, ...readOnly }),
    attribute('uuid', 'uuid', { optional: true, ...readOnly }),
  ], { statistics: [{ name: 'power', kind: 'gauge', label: 'Power', unit: 'W', sample_period: 60 }] }),
  make('redfish', 'Drive', 'Drive', 'PhysicalDisk', [
    attribute('serial', 'string', identifying),
    attribute('chassis', 'reference', { optional: true, ...readOnly }),
    attribute('model', 'string', { optional: true, ...readOnly }),
    attribute('capacity', 'bytes', { optional: true, ...readOnly }),
    attribute('life_left', 'float', { optional: true, label: 'Life left', min: 0, max: 100, ...readOnly }),
  ]),
];
