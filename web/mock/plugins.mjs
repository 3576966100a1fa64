// The plugins of the mock, what can be done with them, and what they log.
import { classes } from './classes.mjs';
import { Problem } from './problem.mjs';

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
const budgets = { memory: 4 * 2 ** 30, cpu: 2, cpu_window: 60, open_files: 1024, processes: 512 };
const usage = (memory, cpu, processes, open_files) => ({ memory, cpu, processes, open_files, time: ago(3) });
const times = (count, last) => ({ count, failed: 0, last, p50: last * 0.9, p95: last * 1.7 });

const listed = () => [
  {
    name: 'acme', kind: 'python', path: 'examples/acme/acme.py', state: 'running', pid: 4711, sessions: 1, roots: 1, memory: 19_500_000, cpu: 3.2, outdated: true,
    usage: usage(452_000_000, 0.07, 9, 41), budgets: { ...budgets, memory: 512 * 2 ** 20, hooks: { initial_scan: 900, update_scan: 30 } },
    scans: { initial: times(1, 2.4), update: { ...times(381, 0.21), failed: 2 } },
  },
  { name: 'acme', runner: 'rack7', kind: 'python', path: '/etc/faultline/plugins/acme.py', state: 'running', pid: 912, sessions: 0, memory: 18_000_000, cpu: 0.8, usage: usage(18_400_000, 0.01, 4, 22) },
  { name: 'linux', kind: 'builtin', path: 'builtin:linux', from: 'server', state: 'running', pid: 4714, sessions: 4, roots: 5, memory: 25_700_000, cpu: 0.9, usage: usage(25_700_000, 0.02, 11, 17) },
  { name: 'lustre', kind: 'builtin', path: 'builtin:lustre', from: 'server', state: 'running', pid: 4712, sessions: 4, roots: 4, memory: 11_000_000, cpu: 0.4, usage: usage(11_000_000, 0.01, 10, 15) },
  { name: 'redfish', kind: 'builtin', path: 'builtin:redfish', state: 'running', pid: 4713, sessions: 1, roots: 2, memory: 14_000_000, cpu: 1.1, usage: usage(14_000_000, 0.03, 12, 23), scans: { initial: times(2, 1.1), update: times(512, 0.4) } },
  {
    name: 'tapes', kind: 'python', path: 'plugins/tapes.py', from: 'folder', state: 'failed', error: 'the declarations have 2 problems',
    problems: [
      { file: 'plugins/tapes.py', line: 14, where: 'Library.slots', text: 'Integer has no option "maximum"; write max_val', code: 'FL301' },
      { file: 'plugins/tapes.py', line: 31, where: 'Drive', text: 'no attribute is part of the identifier', fix: 'name one in class Meta: identifier = GlobalId("serial")', code: 'FL202' },
    ],
  },
  {
    name: 'vault', runner: 'rack7', kind: 'executable', path: '/etc/faultline/plugins/vault', state: 'backoff', restarts: 7, roots: 1,
    error: 'the process ended: exit status 2\npanic: runtime error: index out of range [3] with length 3\n\ngoroutine 34 [running]:\nmain.(*Vault).UpdateScan(0xc00011c000)\n\t/src/vault/main.go:88 +0x1d4',
    next_try: new Date(Date.now() + 64_000).toISOString(),
  },
];

/** Makes the plugins anew, so that what one test does to them is not there for the next. */
export function makePlugins({ empty = false } = {}) {
  const items = listed()
    .filter((p) => !empty || ['acme', 'lustre', 'redfish'].includes(p.name) && !p.runner)
    .map((p) => ({
      version: '1', sdk: { name: p.kind === 'python' ? 'python' : 'go', version: '0.1' }, error: '', problems: [], sessions: 0, restarts: 0,
      from: 'configuration', log_level: 'warning', budgets, ...(p.state === 'running' ? { loaded: ago(7200) } : {}),
      classes: classes.filter((c) => c.plugin === p.name).map((c) => c.full),
      ...p,
    }));
  const logs = new Map(items.map((p) => [p, [
    { time: ago(7200), level: 'info', text: 'the plugin is running', fields: { pid: String(p.pid ?? 17) } },
    { time: ago(5410), level: 'warning', text: 'the management board answers slowly: 4.2 s for GET /api/enclosures', fields: { session: 's-1' } },
    { time: ago(640), level: 'error', text: p.error || 'a disk has no serial number and is left out', fields: { session: 's-1', enclosure: 'EN-4402', slot: '17' } },
  ]]));

  function find(name, runner) {
    const found = items.filter((p) => p.name === name && (runner ? p.runner === runner : true));
    if (found.length === 0) throw new Problem(404, `there is no plugin ${name}${runner ? ` at runner ${runner}` : ''}`);
    return found.find((p) => !p.runner) ?? found[0];
  }
  const log = (p, level, text, fields) => logs.get(p).push({ time: new Date().toISOString(), level, text, ...(fields ? { fields } : {}) });

  function changes(p) {
    if (p.state === 'failed') throw new Problem(422, `${p.error}: ${p.problems[0].text}`);
    if (!p.outdated) return { plugin: p.name, version: p.version, now: p.version, same: true, changes: [] };
    return {
      plugin: p.name, version: p.version, now: '2', same: false,
      changes: [
        { class: 'acme.Disk', what: 'attribute', name: 'wear', change: 'added', text: 'new attribute, Integer, optional' },
        { class: 'acme.Disk', what: 'attribute', name: 'firmware', change: 'removed', text: 'attribute is gone', effect: 'its values are dropped', resources: 240 },
        { class: 'acme.Pool', what: 'attribute', name: 'raid_level', change: 'renamed', text: 'was called level', effect: 'values, identity and alerts go on', resources: 24 },
      ],
    };
  }

  return {
    items, log, find,
    act(method, name, part, query, body) {
      if (method === 'POST' && !name) {
        if (!body.name) throw new Problem(400, 'name is missing', 'name');
        if (!items.some((p) => p.name === body.name)) throw new Problem(404, `there is no plugin ${body.name} in the configuration or the plugin folder of this server`, 'name');
        const p = find(body.name, body.runner);
        if (p.problems.length > 0) throw new Problem(422, `${p.error}: ${p.problems[0].text}`);
        Object.assign(p, { state: 'running', error: '', pid: 5000, loaded: new Date().toISOString() });
        log(p, 'info', 'the plugin is running', { pid: '5000' });
        return p;
      }
      if (!name) return { items };
      const p = find(name, query.get('runner'));
      if (part === 'log') return { items: logs.get(p).slice(-Number(query.get('limit') ?? 200)) };
      if (part === 'changes') return changes(p);
      if (part === 'reload') {
        const c = changes(p);
        Object.assign(p, { outdated: false, version: c.now, loaded: new Date().toISOString() });
        log(p, 'info', 'the new version is in charge', { version: c.now });
        return c;
      }
      if (method === 'PATCH') {
        p.log_level = body.log_level;
        if (p.log_level === 'debug') log(p, 'debug', 'GET /api/disks took 41 ms', { session: 's-1' });
        return p;
      }
      if (method === 'DELETE') {
        Object.assign(p, { state: 'stopped', error: 'a user unloaded it', pid: undefined, usage: undefined, memory: undefined, sessions: 0 });
        log(p, 'info', 'the plugin is unloaded');
        return undefined;
      }
      return p;
    },
  };
}
