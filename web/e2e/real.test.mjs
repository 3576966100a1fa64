// The same page against a real server, named by FAULTLINE_E2E_URL (and
// FAULTLINE_TOKEN if it asks for one), with whatever resources it has.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { accessibilityProblems, closePage, openPage, picture, realURL, startBrowser } from './world.mjs';

const token = process.env.FAULTLINE_TOKEN ?? '';

describe('a real server', { skip: realURL === '' && 'FAULTLINE_E2E_URL names no server' }, () => {
  let browser;
  const get = async (path) => {
    const response = await fetch(`${realURL}/api/v1${path}`, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
    assert.equal(response.status, 200, path);
    return response.json();
  };
  const open = async (path) => {
    // The token must be there before the page asks for anything.
    const page = await openPage(browser, realURL, '/favicon.svg');
    page.problems.length = 0;
    if (token) await page.evaluate((t) => sessionStorage.setItem('faultline-token', t), token);
    await page.goto(path);
    await page.getByRole('status').getByText('Live').waitFor();
    return page;
  };
  const check = async (page, name) => {
    await page.waitForTimeout(400);
    await picture(page, `real-${name}`, { fullPage: true });
    assert.deepEqual(await accessibilityProblems(page), []);
    await closePage(page);
  };
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());

  it('shows the overview with the counts of the server', async () => {
    const status = await get('/status');
    const page = await open('/');
    await page.getByText('resources', { exact: true }).waitFor();
    for (const c of status.resources.classes) {
      await page.getByRole('navigation', { name: 'Main' }).locator(`a[href="/resources/${c.plugin}/${c.name}"]`).waitFor();
    }
    await check(page, 'overview');
  });

  it('shows a table of each class that has resources, with its declared columns', async () => {
    const [status, classes] = await Promise.all([get('/status'), get('/classes')]);
    for (const c of status.resources.classes) {
      const page = await open(`/resources/${c.plugin}/${c.name}`);
      const table = page.locator('main').getByRole('table');
      await table.getByRole('link').first().waitFor();
      const cls = classes.items.find((x) => x.full === c.full);
      const headings = (await table.getByRole('columnheader').allInnerTexts()).map((h) => h.trim());
      const labels = cls.columns.map((n) => cls.attributes.find((a) => a.name === n).label);
      assert.deepEqual(headings.slice(1, 1 + labels.length), labels, c.full);
      await check(page, `table-${c.full}`);
    }
  });

  it('shows the page of a resource of each class', async () => {
    const status = await get('/status');
    for (const c of status.resources.classes) {
      const { items } = await get(`/resources?plugin=${c.plugin}&class=${c.name}&sort=-health&limit=1`);
      const page = await open(`/resource/${items[0].id}`);
      await page.getByRole('heading', { level: 1, name: items[0].name, exact: true }).waitFor();
      await page.getByText('Drawing …').waitFor({ state: 'detached' });
      if (items[0].health !== 'ok') await page.getByRole('heading', { name: 'Why is it not well?' }).waitFor();
      await check(page, `resource-${c.full}`);
    }
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
      await check(page, `add-${c.full}`);
    }
  });
});
