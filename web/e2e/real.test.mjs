// The same page against a real server: the demo's, or the one that
// FAULTLINE_E2E_URL names (and FAULTLINE_TOKEN if it asks for one), with whatever
// resources it has.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { accessibilityProblems, closePage, openPage, picture, realURL, startBrowser, startReal } from './world.mjs';

const token = process.env.FAULTLINE_TOKEN ?? '';

describe('a real server', () => {
  let browser, server;
  const get = async (path) => {
    const response = await fetch(`${server.url}/api/v1${path}`, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
    assert.equal(response.status, 200, path);
    return response.json();
  };
  const open = async (path) => {
    const page = await openPage(browser, server.url, path, { token });
    await page.getByRole('status').getByText('Live').waitFor();
    return page;
  };
  // Of pages of one kind, the first is looked at as a whole.
  const kinds = new Set();
  const check = async (page, kind, name = '') => {
    await picture(page, `real-${kind}${name && `-${name}`}`, { fullPage: true });
    if (!kinds.has(kind)) assert.deepEqual(await accessibilityProblems(page), []);
    kinds.add(kind);
    await closePage(page);
  };
  /** The classes that have resources; of two plugins that declare the same, one. */
  const populated = async () => {
    const { resources } = await get('/status');
    return resources.classes.filter((c, i, all) => all.findIndex((x) => x.name === c.name && x.count === c.count) === i);
  };
  before(async () => {
    [browser, server] = await Promise.all([startBrowser(), startReal()]);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  it('shows the overview with the counts of the server', async () => {
    const status = await get('/status');
    const page = await open('/');
    await page.getByRole('heading', { name: 'Open incidents' }).waitFor();
    for (const c of status.resources.classes) {
      await page.getByRole('navigation', { name: 'Main' }).locator(`a[href="/resources/${c.plugin}/${c.name}"]`).waitFor();
    }
    await check(page, 'overview');
  });

  // A first-time operator's walk through `faultline demo`.
  it('leads from the overview to the slot of a failed disk in under four clicks', async (t) => {
    const { items } = await get('/alerts?active=true&class=Disk&severity=error&limit=1');
    if (items.length === 0 && realURL !== '') {
      t.skip('no disk has failed here; `faultline demo` has one that did');
      return;
    }
    const disk = await get(`/resources/${items[0].resource}`);
    // The disk's failure may follow from a fault above it.
    const ancestors = new Set((await get(`/resources/${disk.id}/causes`)).items.map((c) => c.resource.id));
    const incident = (await get('/incidents?limit=1000')).items.find((i) => ancestors.has(i.id));
    const page = await open('/');
    let clicks = 0;
    const click = async (locator) => {
      await locator.click();
      clicks++;
    };
    const incidents = page.getByRole('region', { name: 'Open incidents' });
    await incidents.getByRole('link').nth(1).waitFor();
    const link = (where) => where.locator(`a[href="/incidents/${incident.id}"]`).first();
    if ((await link(incidents).count()) === 0) await click(incidents.getByRole('link', { name: 'All incidents' }));
    await click(link(page.locator('main')));
    await page.getByRole('region', { name: 'Timeline' }).getByRole('listitem').first().waitFor();
    await picture(page, 'real-walk-incident', { fullPage: true });
    if (incident.id !== disk.id) {
      await click(page.getByRole('region', { name: 'Timeline' }).locator(`a[href="/resource/${disk.id}"]`).first());
      await page.getByRole('heading', { level: 1, name: disk.name, exact: true }).waitFor();
    }
    assert.match(await page.locator('main').innerText(), new RegExp(`Slot\\s+${disk.attributes.slot.text}\\s`));
    assert.ok(clicks < 4, `${clicks} clicks`);
    await check(page, 'walk-slot');
  });

  it('shows incidents and the topology of a file system, in which nothing is lost', async () => {
    await check(await open('/incidents'), 'incidents');
    const { filesystems } = await get('/standing');
    for (const { resource } of filesystems.items.slice(0, 1)) {
      const page = await open(`/topology/${resource.id}`);
      await page.locator('.react-flow__node').first().waitFor();
      const layers = await get(`/resources/${resource.id}/layers`);
      assert.equal(layers.nodes.length + layers.groups.reduce((n, g) => n + g.folded, 0), 1 + layers.above + layers.below);
      await check(page, 'topology');
      await check(await open(`/topology/${resource.id}?view=table`), 'topology-table');
    }
  });

  it('shows a table of each class that has resources, with its declared columns', async () => {
    const classes = await get('/classes');
    for (const c of await populated()) {
      const page = await open(`/resources/${c.plugin}/${c.name}`);
      const table = page.locator('main').getByRole('table');
      await table.getByRole('link').first().waitFor();
      const cls = classes.items.find((x) => x.full === c.full);
      const headings = (await table.getByRole('columnheader').allInnerTexts()).map((h) => h.trim());
      const labels = cls.columns.map((n) => cls.attributes.find((a) => a.name === n).label);
      assert.deepEqual(headings.slice(1, 1 + labels.length), labels, c.full);
      await check(page, 'table', c.full);
    }
  });

  it('shows the page of a resource of each class', async () => {
    for (const c of await populated()) {
      const { items } = await get(`/resources?plugin=${c.plugin}&class=${c.name}&sort=-health&limit=1`);
      const page = await open(`/resource/${items[0].id}`);
      await page.getByRole('heading', { level: 1, name: items[0].name, exact: true }).waitFor();
      if (items[0].health !== 'ok') await page.getByRole('heading', { name: 'Why is it not well?' }).waitFor();
      await check(page, 'resource', c.full);
    }
  });

  it('lists the hosts, and shows the page of each', async () => {
    const { items } = await get('/hosts');
    const list = await open('/hosts');
    if (items.length === 0) await list.getByText('No host yet').waitFor();
    for (const h of items) await list.getByRole('region', { name: 'Hosts, table' }).getByRole('link', { name: h.name, exact: true }).waitFor();
    await check(list, 'hosts');
    for (const h of items.slice(0, 3)) {
      const page = await open(`/hosts/${h.id}`);
      await page.getByRole('heading', { level: 1, name: h.name, exact: true }).waitFor();
      const whole = await get(`/hosts/${h.id}`);
      const resources = whole.plugins.reduce((sum, p) => sum + p.resources, 0);
      await page.getByText(`${resources} resources`).waitFor();
      for (const p of whole.plugins) await page.getByRole('region', { name: 'Device plugins' }).getByRole('link', { name: p.name, exact: true }).waitFor();
      await page.getByRole('button', { name: 'Remove' }).click();
      await page.getByRole('dialog').getByText('Its certificate is revoked').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await check(page, 'host', h.name);
    }
    await check(await open('/hosts/add'), 'host-add');
  });

  it('lists the volumes, filtered by the server, and shows why each is where it is', async () => {
    const { items } = await get('/volumes?limit=3');
    const list = await open('/volumes');
    if (items.length === 0) await list.getByText('No volume yet').waitFor();
    for (const v of items) await list.getByRole('link', { name: v.name, exact: true }).first().waitFor();
    await check(list, 'volumes');
    for (const v of items) {
      const page = await open(`/volumes/${v.id}`);
      await page.getByRole('heading', { level: 1, name: v.name, exact: true }).waitFor();
      await page.getByRole('region', { name: 'Where it should be used, and why there' }).getByText(v.primary.host ?? 'None').first().waitFor();
      assert.equal(await page.getByRole('region', { name: 'Paths', exact: true }).locator('tbody tr').count(), v.nodes.length);
      await check(page, 'volume', v.id);
    }
    if (items[0]?.nodes[0]) {
      const { host } = items[0].nodes[0];
      const { items: there } = await get(`/volumes?host=${host}&limit=1000`);
      const page = await open(`/volumes?host=${host}`);
      await page.waitForFunction((n) => document.querySelector('main tbody tr') !== null && document.querySelector('main table').getAttribute('aria-rowcount') === String(n + 1), there.length);
      await check(page, 'volumes-of-host');
    }
    const fs = await get('/resources?base=FileSystem');
    if (fs.items[0]) {
      const { items: of } = await get(`/volumes?filesystem=${fs.items[0].id}`);
      const page = await open(`/volumes?filesystem=${fs.items[0].id}`);
      for (const v of of.slice(0, 3)) await page.getByRole('link', { name: v.name, exact: true }).first().waitFor();
      await check(page, 'volumes-of-filesystem');
    }
  });

  it('shows the page of each plugin, with its log and its budgets, and compares its files', async () => {
    const { items } = await get('/plugins');
    for (const p of items) {
      const page = await open(`/plugins/${p.name}${p.runner ? `?runner=${p.runner}` : ''}`);
      await page.getByRole('heading', { level: 1, name: p.name, exact: true }).waitFor();
      await page.getByRole('region', { name: 'Budgets' }).getByText('Memory').waitFor();
      if (p.state === 'running') {
        await page.getByRole('log').getByText('the plugin is running').first().waitFor();
        await page.getByRole('button', { name: 'Reload …' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByText(/It declares nothing otherwise|What it declares otherwise|cannot be taken in/).first().waitFor();
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
      }
      await check(page, 'plugin', p.name);
    }
  });

  it('draws the declared charts of classes that have samples, two statistics on one as the guide has it', async () => {
    const classes = (await get('/classes')).items.filter((c) => c.charts.some((x) => x.series.length > 1));
    assert.ok(classes.length > 0, 'no class declares a chart of several statistics');
    let drawn = 0;
    for (const c of classes) {
      const { items } = await get(`/resources?plugin=${c.plugin}&class=${c.name}&limit=1`);
      if (items.length === 0) continue;
      const page = await open(`/resource/${items[0].id}?range=15m`);
      await page.locator('canvas').first().waitFor();
      for (const declared of c.charts) {
        const chart = page.locator('[data-chart]').and(page.getByRole('region', { name: declared.title, exact: true }));
        await chart.waitFor();
        const stats = declared.series.map((n) => c.statistics.find((s) => s.name === n));
        if (stats[0].kind === 'histogram') continue;
        const legend = await chart.getByRole('list').getByRole('button').allInnerTexts();
        assert.deepEqual(legend.map((t) => t.startsWith(stats[legend.indexOf(t)].label)), stats.map(() => true), `${c.full}: ${declared.title}`);
        if (legend.length > 1 && legend.every((t) => !t.includes('no samples'))) drawn++;
      }
      await check(page, 'charts', c.full);
    }
    assert.ok(drawn > 0, 'no chart of several statistics has samples');
  });

  it('lists alerts, plugins, and a form for each scannable class', async () => {
    await check(await open('/alerts'), 'alerts');
    await check(await open('/alerts?tab=history'), 'history');
    await check(await open('/plugins'), 'plugins');
    const { items } = await get('/classes?scannable=true');
    for (const c of items) {
      const page = await open(`/add?class=${c.full}`);
      const field = c.attributes.find((a) => !a.user_read_only && !a.hidden);
      if (field) await page.getByLabel(field.label).first().waitFor();
      await check(page, 'add', c.full);
    }
  });
});
