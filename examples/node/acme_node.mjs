#!/usr/bin/env node
// The plugin for Acme disk arrays, such as examples/acme/sim simulates, in
// JavaScript. It declares and reports what the Go and Python plugins do. An
// initial scan reads everything. An update scan asks for what changed since the
// revision that was read last. A plugin whose root has push set also follows the
// array's events and reports what they tell at once.

import { setTimeout as sleep } from 'node:timers/promises';

import { Controller, Disk, Enclosure, Fan, Lun, LunPath, Pool, PowerSupply, Root } from './acme/classes.mjs';
import { Client, RestartedError, lists } from './acme/client.mjs';
import { serve } from './faultline/index.mjs';

const retryPause = 1000; // milliseconds after the events could not be read

class Acme {
  constructor(session, root) {
    Object.assign(this, { session, root });
    this.known = Object.fromEntries(Object.values(lists).map((kind) => [kind, new Map()])); // kind → id → resource
    this.since = 0; // what changed up to this revision was read by a scan
    this.seen = 0; // what changed up to this revision was read by a scan or an event
  }

  async initialScan() {
    this.client = new Client(this.root, this.session.signal);
    this.session.updatePeriod = this.root.period;
    const system = await this.client.system();
    this.report(system, await this.client.read(system.boot));
    if (this.root.push) this.listener = this.listen(this.boot, this.since);
  }

  // An array that cannot tell what changed fails the scan; Faultline then begins
  // anew with an initial scan.
  async updateScan() {
    const system = await this.client.system();
    if (system.boot !== this.boot) throw new RestartedError();
    if (system.revision !== this.since) this.report(system, await this.client.read(this.boot, this.since));
  }

  async teardown() {
    await this.listener; // the session's signal has ended its request
  }

  // report reports what a scan read. What changed while it was read is read again by the next scan.
  report(system, { objects, removed }) {
    const { root } = this;
    root.name = system.name;
    root.model = system.model;
    root.serial_number = system.serial;
    root.firmware = system.firmware;
    this.apply(objects, removed);
    this.boot = system.boot;
    this.since = this.seen = system.revision;
  }

  // listen follows the array's events until the session ends or until the array
  // no longer knows what the plugin has seen.
  async listen(boot, since) {
    const { signal, log } = this.session;
    while (!signal.aborted) {
      let answer;
      try {
        answer = await this.client.events(boot, since);
        const objects = {}, removed = [];
        for (const { op, kind, id, object } of answer.events) {
          if (op === 'remove') removed.push(id);
          else (objects[kind] ??= []).push(object);
        }
        since = answer.revision;
        if (!answer.overflow) this.push(since, objects, removed); // else so much happened that it is left to the update scan
      } catch (e) {
        if (e instanceof RestartedError) return; // the next update scan finds out too, and ends the session
        if (signal.aborted) return;
        log.warning(`the array's events could not be read; trying again: ${e.message}`);
        await sleep(retryPause, undefined, { signal }).catch(() => {});
      }
    }
  }

  // push reports what events told, unless a scan has read it already. Nothing
  // else runs in the meantime: JavaScript has one thread, and there is no await.
  push(revision, objects, removed) {
    if (revision <= this.seen || this.session.signal.aborted) return;
    this.seen = revision;
    try {
      this.apply(objects, removed);
    } catch (e) {
      this.session.log.error(`an event could not be used; everything is read anew: ${e.message}`);
      this.boot = undefined; // the next update scan ends the session
    }
  }

  // apply reports what was read, affectors first: fans and power supplies affect
  // their enclosure, an enclosure its disks, disks their pool, a pool its LUNs; a
  // controller affects the paths through it, and those the LUN.
  apply(objects, removed) {
    const { session, known } = this;
    for (const id of removed) {
      for (const table of Object.values(known)) {
        if (table.has(id)) session.remove(table.get(id));
        table.delete(id);
      }
    }
    for (const o of objects.controller ?? []) {
      known.controller.set(o.id, session.report(Controller, {
        index: o.index, serial_number: o.serial, model: o.model, firmware: o.firmware, status: o.status, temperature: o.temperature_c,
      }));
    }
    this.applyShelves(objects);
    this.applyStorage(objects);
    for (const o of objects.lun ?? []) {
      known.lun.set(o.id, session.report(Lun, {
        serial: o.wwid, number: o.number, name: o.name, uuid: o.uuid, status: o.status, size: o.size_bytes,
        latency: o.latency_us, read_bytes: o.read_bytes, written_bytes: o.written_bytes, io_sizes: o.io_sizes,
      }, [this.need('pool', o.pool, o.id)]));
    }
    for (const o of objects.path ?? []) {
      const lun = this.need('lun', o.lun, o.id), controller = this.need('controller', o.controller, o.id);
      const path = session.report(LunPath, { lun, controller, state: o.state }, [controller]);
      lun.addParent(path);
      known.path.set(o.id, path);
    }
  }

  // applyShelves reports enclosures and what keeps them cool and powered.
  applyShelves(objects) {
    const { session, known } = this;
    for (const o of objects.enclosure ?? []) {
      known.enclosure.set(o.id, session.report(Enclosure, {
        serial_number: o.serial, number: o.number, model: o.model, bays: o.bays, temperature: o.temperature_c, power: o.power_w,
      }));
    }
    for (const o of objects.fan ?? []) {
      const enclosure = this.need('enclosure', o.enclosure, o.id);
      const fan = session.report(Fan, { enclosure, number: o.number, status: o.status, speed: o.rpm });
      enclosure.addParent(fan);
      known.fan.set(o.id, fan);
    }
    for (const o of objects.psu ?? []) {
      const enclosure = this.need('enclosure', o.enclosure, o.id);
      const supply = session.report(PowerSupply, { serial_number: o.serial, enclosure, number: o.number, status: o.status });
      enclosure.addParent(supply);
      known.psu.set(o.id, supply);
    }
  }

  // applyStorage reports disks and pools, and which disks joined and left which pools.
  applyStorage(objects) {
    const { session, known } = this;
    const joined = new Map(); // pool id → disks
    for (const o of objects.disk ?? []) {
      const before = known.disk.get(o.id)?.pool ?? null, pool = o.pool ?? null;
      const shelf = this.need('enclosure', o.enclosure, o.id);
      const disk = session.report(Disk, {
        serial_number: o.serial, shelf, slot: o.slot, pool, vendor: o.vendor, model: o.model, media: o.media, rpm: o.rpm ?? null,
        firmware: o.firmware, capacity: o.capacity_bytes, status: o.status,
        temperature: o.temperature_c, read_bytes: o.read_bytes, written_bytes: o.written_bytes,
      }, [shelf]);
      known.disk.set(o.id, disk);
      if (pool === before) continue;
      known.pool.get(before)?.removeParent(disk);
      if (pool !== null) joined.set(pool, [...(joined.get(pool) ?? []), disk]);
    }
    for (const o of objects.pool ?? []) {
      known.pool.set(o.id, session.report(Pool, {
        number: o.number, raid_type: o.raid_type, capacity: o.capacity_bytes, free: o.free_bytes, status: o.status,
        rebuild_progress: o.rebuild_percent ?? null,
      }, joined.get(o.id) ?? []));
      joined.delete(o.id);
    }
    for (const [id, disks] of joined) { // pools of which nothing else changed
      const pool = this.need('pool', id, 'a disk');
      for (const disk of disks) pool.addParent(disk);
    }
  }

  need(kind, id, by) {
    const resource = this.known[kind].get(id);
    if (resource === undefined) throw new Error(`${by} names ${id}, which the array does not list`);
    return resource;
  }
}

serve({
  version: '1.0',
  classes: [Root, Controller, Enclosure, Fan, PowerSupply, Disk, Pool, Lun, LunPath],
  plugin: Acme,
});
