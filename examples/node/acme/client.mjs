// The client of the array's interface, which examples/acme/README.md describes.

import { reveal } from './secret.mjs';

const requestTimeout = 10_000; // milliseconds for one answer, event waits aside
const eventWait = 30; // seconds
const pageSize = 2000; // objects in one answer

// The lists of the interface and the kinds of their objects.
export const lists = {
  controllers: 'controller', enclosures: 'enclosure', fans: 'fan', 'power-supplies': 'psu',
  disks: 'disk', pools: 'pool', luns: 'lun', paths: 'path',
};

// A RestartedError says that the array cannot tell what changed.
export class RestartedError extends Error {
  constructor() {
    super('the array was restarted or no longer knows what changed; everything must be read anew');
    this.name = 'RestartedError';
  }
}

export class Client {
  // signal ends every request.
  constructor(root, signal) {
    if (!/^https?:\/\/[^/]/.test(root.url)) throw new Error(`url ${JSON.stringify(root.url)} is no address such as http://127.0.0.1:8080`);
    this.base = root.url.replace(/\/$/, '');
    this.user = root.user;
    this.signal = signal;
    this.headers = {};
    if (root.password) this.headers.Authorization = `Basic ${Buffer.from(`${root.user}:${reveal(root.password)}`).toString('base64')}`;
  }

  async get(path, timeout = requestTimeout) {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(timeout)]);
    let response, text;
    for (let again = false; ; again = true) {
      try {
        response = await fetch(`${this.base}/api/v1/${path}`, { headers: this.headers, signal });
        text = await response.text();
        break;
      } catch (e) {
        // The array may have closed a connection that rested. A new one tells.
        if (e.cause?.code === 'UND_ERR_SOCKET' && !again) continue;
        throw new Error(`read ${this.base}/${path}: ${e.cause?.message || e.message}`, { cause: e });
      }
    }
    if (response.status === 410) throw new RestartedError();
    if (response.status === 401) throw new Error(`${this.base} refuses user ${this.user} with the given password`);
    if (!response.ok) throw new Error(`read ${path}: ${response.status} ${response.statusText}: ${text.slice(0, 200)}`);
    try {
      return JSON.parse(text);
    } catch (e) {
      throw new Error(`read ${path}: the answer is no JSON: ${e.message}`);
    }
  }

  async system() {
    const system = await this.get('system');
    if (typeof system?.boot !== 'string' || typeof system.revision !== 'number') {
      throw new Error(`${this.base} is no Acme array: its system has no boot name and revision`);
    }
    return system;
  }

  // read returns { objects by kind, removed ids }: everything, or what changed after a revision.
  async read(boot, since) {
    const query = `boot=${encodeURIComponent(boot)}${since === undefined ? '' : `&since=${since}`}`;
    const objects = {}, removed = [];
    await Promise.all(Object.entries(lists).map(async ([name, kind]) => {
      const found = [];
      for (let offset = 0; offset !== undefined;) {
        const page = await this.get(`${name}?${query}&offset=${offset}&limit=${pageSize}`);
        if (!Array.isArray(page?.items)) throw new Error(`read ${name}: the answer has no items`);
        found.push(...page.items);
        removed.push(...(page.removed ?? []));
        offset = page.next;
      }
      objects[kind] = found;
    }));
    return { objects, removed };
  }

  // events waits for changes after a revision.
  events(boot, since) {
    return this.get(`events?boot=${encodeURIComponent(boot)}&since=${since}&wait=${eventWait}s`, eventWait * 1000 + requestTimeout);
  }
}
