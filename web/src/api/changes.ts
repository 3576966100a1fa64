import type { QueryClient, QueryKey } from '@tanstack/react-query';
import type { Schema } from './client';
import { keys, type ResourceFilter } from './queries';

/** What the events of a short while made out of date. */
export interface Marks {
  everything: boolean;
  /** Health may have changed anywhere: counts, lists, causes. */
  health: boolean;
  /** Edges changed somewhere. */
  edges: boolean;
  roots: boolean;
  /** Hosts, or what their device plugins report. */
  hosts: boolean;
  volumes: boolean;
  /** Classes, as plugin.Class, whose tables must be read again. */
  classes: Set<string>;
  resources: Set<number>;
}

export function noMarks(): Marks {
  return { everything: false, health: false, edges: false, roots: false, hosts: false, volumes: false, classes: new Set(), resources: new Set() };
}

/**
 * Takes a `resources` event. New values go into the kept answers at once;
 * what cannot be known from the event is marked.
 */
export function takeResources(client: QueryClient, event: Schema['ResourcesEvent'], marks: Marks): void {
  if (event.bulk === true) {
    for (const counts of [event.counts?.created, event.counts?.updated, event.counts?.deleted]) {
      for (const name of Object.keys(counts ?? {})) marks.classes.add(name);
    }
    marks.health = marks.edges = marks.roots = marks.hosts = true;
    for (const query of client.getQueryCache().findAll({ queryKey: ['resource'], type: 'active' })) {
      marks.resources.add(query.queryKey[1] as number);
    }
    return;
  }
  for (const ref of [...(event.created ?? []), ...(event.deleted ?? [])]) {
    marks.classes.add(`${ref.plugin}.${ref.class}`);
    marks.resources.add(ref.id);
    marks.edges = marks.roots = marks.health = marks.hosts = true;
  }
  for (const update of event.updated ?? []) {
    if (update.edges === true) {
      // New parents may bring or take illness.
      marks.edges = marks.health = true;
    }
    if (update.state === true) {
      // What a lost root reports is stale, and that may be all over the place.
      marks.roots = marks.health = marks.hosts = true;
    }
    if (update.plugin === 'faultline' && update.class === 'Host') marks.hosts = true;
    if (update.name !== undefined) marks.edges = marks.roots = true;
    marks.resources.add(update.id);
  }
  patchRows(client, event.updated ?? [], marks);
}

/** Writes changed values into the rows of tables and into single resources. */
function patchRows(client: QueryClient, updates: Schema['ResourceUpdate'][], marks: Marks): void {
  if (updates.length === 0) return;
  const byID = new Map(updates.map((u) => [u.id, u]));
  const touched = new Set(updates.map((u) => `${u.plugin}.${u.class}`));
  for (const query of client.getQueryCache().findAll({ queryKey: ['resources'] })) {
    const filter = query.queryKey[1] as ResourceFilter;
    const name = `${filter.plugin ?? ''}.${filter.class ?? ''}`;
    if (filter.class !== undefined && !touched.has(name)) continue;
    // The event cannot say whether a changed row still fits. Where it stands now
    // cannot be said either, but a row that moves while somebody reads it is no
    // help: it stays until the reader wants the order anew.
    if (filter.q !== undefined || updates.some((u) => asked(u, filter.where ?? []))) marks.classes.add(name);
    let moved = 0;
    client.setQueryData<Schema['ResourceList']>(query.queryKey, (page) => {
      if (!page?.items.some((r) => byID.has(r.id))) return page;
      const sort = filter.sort?.replace(/^-/, '') ?? 'id';
      moved = page.items.filter((r) => moves(byID.get(r.id), sort)).length;
      return { ...page, items: page.items.map((r) => applyUpdate(r, byID.get(r.id))) };
    });
    if (moved > 0) client.setQueryData<number>(keys.moved(name), (n = 0) => n + moved);
  }
  for (const update of updates) {
    client.setQueryData<Schema['Resource']>(keys.resource(update.id), (r) => r && applyUpdate(r, update));
  }
}

/** Whether an update changes what a table is sorted by. */
function moves(update: Schema['ResourceUpdate'] | undefined, sort: string): boolean {
  if (!update) return false;
  return sort === 'name' ? update.name !== undefined : sort === 'updated' || update.attributes?.[sort] !== undefined;
}

/** Whether an update changes what conditions ask for. */
function asked(update: Schema['ResourceUpdate'], where: string[]): boolean {
  return where.some((w) => {
    const name = /^[^!<>=~]*/.exec(w)?.[0] ?? '';
    return name === 'name' ? update.name !== undefined : update.attributes?.[name] !== undefined;
  });
}

function applyUpdate(r: Schema['Resource'], update: Schema['ResourceUpdate'] | undefined): Schema['Resource'] {
  if (!update) return r;
  const attributes = { ...r.attributes };
  for (const [name, change] of Object.entries(update.attributes ?? {})) {
    const old = attributes[name];
    if (old) attributes[name] = { ...old, value: change.value, text: change.text };
  }
  return { ...r, attributes, name: update.name ?? r.name };
}

/** Takes new samples into the rows and resources that show them. */
export function takeSamples(client: QueryClient, event: Schema['StatisticsEvent']): void {
  const byID = new Map<number, Schema['SampleUpdate'][]>();
  for (const sample of event.items) byID.set(sample.resource, [...(byID.get(sample.resource) ?? []), sample]);
  const apply = (r: Schema['Resource']): Schema['Resource'] => {
    const samples = byID.get(r.id);
    if (!samples) return r;
    const statistics = { ...r.statistics };
    for (const s of samples) {
      const old = statistics[s.name];
      if (old) statistics[s.name] = { ...old, value: s.value, time: s.time, ...(s.bins ? { bins: s.bins } : {}) };
    }
    return { ...r, statistics };
  };
  for (const query of client.getQueryCache().findAll({ queryKey: ['resources'], type: 'active' })) {
    client.setQueryData<Schema['ResourceList']>(query.queryKey, (page) =>
      page?.items.some((r) => byID.has(r.id)) ? { ...page, items: page.items.map(apply) } : page,
    );
  }
  for (const id of byID.keys()) client.setQueryData<Schema['Resource']>(keys.resource(id), (r) => r && apply(r));
}

/** Whether the marks make the answer under a key out of date. */
export function isMarked(key: QueryKey, marks: Marks): boolean {
  if (marks.everything) return true;
  switch (key[0]) {
    case 'status':
      return marks.health || marks.classes.size > 0;
    case 'alerts':
      return marks.health;
    case 'reported':
    case 'hosts':
      return marks.hosts || marks.health;
    case 'volumes':
    case 'volume':
      // Their state follows from alerts.
      return marks.volumes || marks.health;
    case 'children':
    case 'filesystems':
      return marks.health || marks.edges;
    case 'clusters':
      return marks.hosts || marks.volumes;
    case 'roots':
      return marks.roots || marks.health;
    case 'classes':
      return marks.classes.size > 0;
    case 'resource':
      // How a file system stands follows from volumes, too.
      return marks.health || marks.volumes || marks.resources.has(key[1] as number);
    case 'history':
      return marks.health || marks.resources.has(key[1] as number);
    case 'causes':
    case 'impact':
    case 'graph':
    case 'linkage':
    case 'layers':
    case 'incidents':
    case 'incident':
      return marks.health || marks.edges;
    case 'standing':
      return marks.health || marks.edges || marks.volumes;
    case 'timeline':
    case 'ended-incidents':
      return marks.health;
    case 'resources': {
      const filter = key[1] as ResourceFilter;
      if (marks.health) return true;
      return filter.class === undefined ? marks.classes.size > 0 : marks.classes.has(`${filter.plugin ?? ''}.${filter.class}`);
    }
  }
  return false;
}
