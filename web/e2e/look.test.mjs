// Every page in light and dark, on a desk and on a phone: it shows what it
// must, axe finds nothing wrong, nothing sticks out, and a picture is kept.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { accessibilityProblems, closePage, desktop, openPage, phone, picture, realURL, startBrowser, startMock, tooWide } from './world.mjs';

describe('pages', { skip: realURL !== '' && 'a real server is tested by real.test.mjs' }, () => {
  let browser, mock, empty, ids;
  before(async () => {
    browser = await startBrowser();
    mock = await startMock();
    empty = await startMock({ empty: true });
    const all = [...mock.model.resources.values()];
    const is = (name) => all.filter((r) => r.class.name === name);
    const failed = is('Disk').find((r) => r.values.status === 'FAILED');
    const host = (name) => mock.fleet.hosts.get(`${name}.example.net`).resource;
    const volume = (name) => [...mock.fleet.volumes.values()].find((v) => v.drive.label === name || v.drive.class.name === name).drive;
    const dry = await fetch(`${mock.url}/api/v1/hosts`, { method: 'POST', body: JSON.stringify({ address: 'oss9.example.net', dry_run: true }) });
    const refused = await fetch(`${mock.url}/api/v1/hosts`, { method: 'POST', body: JSON.stringify({ address: 'closed.example.net' }) });
    ids = { host: host('oss1'), lost: host('mds1'), awaited: host('vm7'), weighted: volume('spare-1'), decided: volume('spare-3'), split: volume('spare-5'), lun: volume('Lun') };
    Object.assign(ids, { dry: (await dry.json()).id, refused: (await refused.json()).id });
    ids = { ...ids, failed, pool: mock.model.resources.get(failed.children[0]), fs: is('FileSystem')[0], offline: is('Service').find((r) => r.session.state === 'offline'), array: is('Array')[0] };
  });
  after(async () => {
    await browser?.close();
    await mock?.close();
    await empty?.close();
  });

  const pages = [
    ['overview', () => '/', 'Open incidents'],
    ['empty', () => '/', 'No controller yet', () => empty],
    ['disks', () => '/resources/acme/Disk', 'Capacity'],
    ['disks-sick', () => '/resources/acme/Disk?health=error,warning&sort=-capacity', 'FAILED'],
    ['disks-filtered', () => '/resources/acme/Disk?where=slot%3E=38;model~st16&columns=slot,model,status', 'Clear filters'],
    ['edit', () => `/resource/${ids.array.id}/edit`, 'Save changes'],
    ['stale-drives', () => '/resources/redfish/Drive', 'stale'],
    ['disk', () => `/resource/${ids.failed.id}`, 'Disk failure'],
    ['pool', () => `/resource/${ids.pool.id}`, 'I/O size'],
    ['file-system', () => `/resource/${ids.fs.id}`, 'Why is it not well?'],
    ['file-system-table', () => `/resource/${ids.fs.id}?view=table`, 'Look further'],
    ['array', () => `/resource/${ids.array.id}`, 'Last contact'],
    ['offline', () => `/resource/${ids.offline.id}`, 'Next try'],
    ['incidents', () => '/incidents', 'Fan failure'],
    ['incident', () => `/incidents/${ids.failed.id}`, 'Timeline'],
    ['incident-table', () => `/incidents/${ids.failed.id}?view=table`, 'Look further'],
    ['no-incident', () => `/incidents/${ids.array.id}`, 'is no cause of an incident now', undefined, true],
    ['topology', () => `/topology/${ids.pool.id}`, ' above, '],
    ['topology-open', () => `/topology/${ids.pool.id}?open=-1:acme.Disk&direction=up`, 'Disk 1–10 of 10'],
    ['topology-table', () => `/topology/${ids.fs.id}?view=table`, 'Look further'],
    ['topology-start', () => '/topology', 'Choose where to start'],
    ['alerts', () => '/alerts', 'Fan failure'],
    ['alerts-history', () => '/alerts?tab=history', 'Lasted'],
    ['add', () => '/add?class=acme.Array', 'Management address'],
    ['plugins', () => '/plugins', 'Runner rack7'],
    ['plugins-filter', () => '/plugins?state=failed&q=tapes', 'tapes'],
    ['plugin', () => '/plugins/acme', 'Its files changed'],
    ['plugin-failed', () => '/plugins/tapes', 'Integer has no option'],
    ['plugin-runner', () => '/plugins/vault?runner=rack7', 'panic: runtime error'],
    ['no-such-plugin', () => '/plugins/none', 'There is no such plugin'],
    ['hosts', () => '/hosts', 'Awaiting agent'],
    ['hosts-empty', () => '/hosts', 'No host yet', () => empty],
    ['host', () => `/hosts/${ids.host.id}`, 'Mounts'],
    ['host-lost', () => `/hosts/${ids.lost.id}`, 'Contact lost'],
    ['host-awaited', () => `/hosts/${ids.awaited.id}`, 'Awaiting agent'],
    ['no-such-host', () => '/hosts/99999', 'There is no such host', undefined, true],
    ['host-add', () => '/hosts/add', 'Nothing yet'],
    ['host-add-dry', () => `/hosts/add?address=oss9.example.net&installation=${ids.dry}`, 'Nothing was changed'],
    ['host-add-refused', () => `/hosts/add?installation=${ids.refused}`, 'The agent was not installed'],
    ['volumes', () => '/volumes', 'Secondary'],
    ['volumes-filter', () => '/volumes?category=usable&host=oss1.example.net&sort=-size', 'spare-1'],
    ['volumes-empty', () => '/volumes', 'No volume yet', () => empty],
    ['volume', () => `/volumes/${ids.weighted.id}`, 'best path weight'],
    ['volume-decided', () => `/volumes/${ids.decided.id}`, 'Decided by eva'],
    ['volume-split', () => `/volumes/${ids.split.id}`, 'in no HA cluster together'],
    ['volume-used', () => `/volumes/${ids.lun.id}`, 'so its hosts stay as they are'],
    ['no-such-volume', () => '/volumes/99999', 'There is no such volume', undefined, true],
    ['search', () => '/search?q=fan', 'Fan Enclosure 2 1'],
    ['gone', () => '/resource/99999', 'This resource is gone', undefined, true],
    ['no-such-page', () => '/nothing/here', 'There is no such page'],
  ];
  it('are all of the routes that there are', async () => {
    const router = await readFile(new URL('../src/app/router.tsx', import.meta.url), 'utf8');
    const routes = [...router.matchAll(/path: '([^']+)'/g)].map((m) => m[1]);
    const looked = pages.map(([, path]) => path().replace(/\?.*/, ''));
    const missed = routes.filter((r) => !looked.some((path) => new RegExp(`^${r.replace(/\$[a-z]+/g, '[^/]+')}$`).test(path)));
    assert.ok(routes.length >= 13);
    assert.deepEqual(missed, []);
  });

  const whole = ['disk', 'pool', 'file-system', 'file-system-table', 'overview', 'host', 'volume', 'plugin', 'incident'];
  for (const [name, path, text, server, allowErrors] of pages) {
    it(name, async () => {
      const page = await openPage(browser, (server?.() ?? mock).url, path(), { allowErrors });
      await page.getByText(text).first().waitFor({ state: 'attached' });
      await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' });
      if (['incident', 'topology', 'topology-open'].includes(name)) await page.locator('.react-flow__node').first().waitFor();
      // One page in all its guises: the reader's system goes dark and light, the window narrow, and the page with it.
      for (const [size, viewport] of [['desk', desktop], ['phone', phone]]) {
        await page.setViewportSize(viewport);
        const look = async (scheme, rules) => {
          await page.emulateMedia({ colorScheme: scheme });
          await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
          await picture(page, `${name}-${size}-${scheme}`);
          if (whole.includes(name)) await picture(page, `${name}-${size}-${scheme}-whole`, { fullPage: true });
          assert.deepEqual(await accessibilityProblems(page, rules), []);
        };
        await look('light');
        const wide = await tooWide(page);
        assert.ok(wide <= 0, `the page is ${wide} pixels wider than the ${size}'s screen`);
        if (['disks', 'alerts', 'alerts-history', 'hosts', 'volumes', 'plugins'].includes(name) && size === 'desk') {
          const long = await page.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight);
          assert.ok(long <= 0, `a page whose table scrolls is itself ${long} pixels too long`);
        }
        // A phone has the same colours.
        if (size === 'desk' || whole.includes(name)) await look('dark', ['color-contrast']);
      }
      await closePage(page);
    });
  }
});
