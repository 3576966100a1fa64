// What an operator does with hosts, volumes and plugins, in a real browser
// against the stand-in. Each test has a stand-in of its own, since it changes much.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { accessibilityProblems, closePage, layoutShift, openPage, picture, realURL, startBrowser, startMock } from './world.mjs';

describe('hosts, volumes and plugins', { skip: realURL !== '' && 'a real server is tested by real.test.mjs' }, () => {
  let browser, mock;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    mock = await startMock();
  });
  afterEach(() => mock.close());

  const focused = (page) => page.evaluate(() => document.activeElement?.id);
  const names = (table) => table.locator('tbody th').allInnerTexts();
  const volume = (label) => [...mock.fleet.volumes.values()].find((v) => v.drive.label === label).drive.id;

  it('shows controllers without the roots of hosts, which stand in a list of their own', async () => {
    const page = await openPage(browser, mock.url, '/');
    const controllers = page.getByRole('region', { name: 'Controllers' });
    await controllers.getByText('Acme array 10.1.0.20').waitFor();
    assert.equal(await page.getByText(/Agent plugin of a host/).count(), 0);
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Hosts/ }).click();
    await page.getByRole('heading', { level: 1, name: 'Hosts' }).waitFor();
    await closePage(page);
  });

  it('filters and sorts hosts, and keeps it all in the address', async () => {
    const page = await openPage(browser, mock.url, '/hosts');
    const table = page.getByRole('region', { name: 'Hosts, table' });
    await table.getByRole('link').first().waitFor();
    assert.equal((await names(table)).length, 6);
    await table.getByRole('button', { name: 'Alerts' }).click();
    await table.getByRole('button', { name: 'Alerts' }).click();
    await page.waitForURL(/sort=-alerts/);
    assert.equal((await names(table))[0], 'mds1.example.net');
    await page.getByRole('button', { name: /^Connected/ }).click();
    await page.waitForURL(/state=connected/);
    await page.getByText('4 of 6').waitFor();
    await page.getByLabel('Filter by text').fill('oss3');
    await page.getByText('1 of 6').waitFor();
    const address = page.url();
    await page.reload();
    await page.getByText('1 of 6').waitFor();
    assert.equal(page.url(), address);
    await page.getByLabel('Filter by text').fill('nobody');
    await page.getByText('No host fits the filter').waitFor();
    await closePage(page);
  });

  it('removes a host after saying what goes with it', async () => {
    const page = await openPage(browser, mock.url, '/hosts');
    await page.getByRole('link', { name: 'oss1.example.net' }).click();
    await page.getByRole('heading', { level: 1, name: 'oss1.example.net' }).waitFor();
    await page.getByRole('region', { name: 'Mounts' }).getByRole('link', { name: '/var' }).waitFor();
    await page.getByRole('region', { name: 'Volumes' }).first().getByRole('link', { name: 'All 29' }).waitFor();
    await page.getByRole('button', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove oss1.example.net?' });
    await dialog.getByText('Of the 36 resources').waitFor();
    await dialog.getByText(/29 volumes lose a way to it; it is the primary of \d+/).waitFor();
    await dialog.getByText('Its certificate is revoked').waitFor();
    await picture(page, 'host-remove');
    assert.deepEqual(await accessibilityProblems(page), []);
    // The keyboard stands on what does no harm.
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Keep it');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('heading', { level: 1, name: 'Hosts' }).waitFor();
    await page.getByRole('link', { name: 'oss1.example.net' }).waitFor({ state: 'detached' });
    assert.equal(mock.fleet.hosts.has('oss1.example.net'), false);
    await closePage(page);
  });

  it('installs an agent over SSH, with a dry run first, and shows errors at their field', async () => {
    const page = await openPage(browser, mock.url, '/hosts', { allowErrors: true });
    await page.getByRole('link', { name: 'Add a host' }).click();
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText('The machine needs a name or an IP address.').waitFor();
    assert.equal(await focused(page), 'host-address');
    await page.keyboard.type('oss 9');
    await page.keyboard.press('Enter');
    await page.getByText('"oss 9" is no name or IP address').waitFor();
    assert.equal(await focused(page), 'host-address');
    await page.getByRole('textbox', { name: /^Address/ }).fill('oss9.example.net');
    await page.getByRole('textbox', { name: /^Fingerprint/ }).fill('abc');
    await page.keyboard.press('Enter');
    await page.getByText('"abc" is no fingerprint').waitFor();
    assert.equal(await focused(page), 'host-host_key');
    await page.getByRole('textbox', { name: /^Fingerprint/ }).fill('');
    await page.keyboard.press('Enter');
    await page.waitForURL(/installation=i1/);
    await page.getByText('Nothing was changed on oss9.example.net').waitFor();
    const steps = page.getByRole('list', { name: 'Steps on oss9.example.net' });
    assert.equal(await steps.getByRole('listitem').count(), 7);
    assert.equal(await steps.getByRole('img', { name: 'Planned' }).count(), 5);
    assert.equal(mock.fleet.hosts.has('oss9.example.net'), false, 'a dry run adds no host');
    // The address has it all.
    await page.reload();
    assert.equal(await page.getByRole('textbox', { name: /^Address/ }).inputValue(), 'oss9.example.net');
    await page.getByRole('button', { name: 'Install the agent on oss9.example.net' }).click();
    await page.getByText('is installed and connected.').waitFor();
    await page.getByRole('link', { name: 'Host oss9.example.net' }).click();
    await page.getByRole('heading', { level: 1, name: 'oss9.example.net' }).waitFor();

    await page.goto(`${mock.url}/hosts/add?address=nokeys`);
    await page.getByRole('button', { name: 'Install without one' }).click();
    await page.getByRole('alert').getByText('this server has no SSH credentials').waitFor();
    await page.goto(`${mock.url}/hosts/add?address=closed.example.net`);
    await page.getByRole('button', { name: 'Install without one' }).click();
    await page.getByText('connect to closed.example.net:22: connection refused').waitFor();
    await page.goto(`${mock.url}/hosts/add?installation=gone`);
    await page.getByText('This installation is forgotten').waitFor();
    await closePage(page);
  });

  it('filters and sorts volumes on the server, and keeps it all in the address', async () => {
    const page = await openPage(browser, mock.url, '/volumes');
    const asked = [];
    page.on('request', (r) => r.url().includes('/api/v1/volumes') && asked.push(decodeURIComponent(new URL(r.url()).search)));
    const table = page.getByRole('region', { name: 'Volumes, table' });
    await table.getByRole('link').first().waitFor();
    await page.getByRole('button', { name: 'Unused' }).click();
    await page.waitForURL(/category=unused/);
    await page.waitForFunction(() => document.querySelectorAll('main tbody th').length === 5);
    await page.getByRole('button', { name: 'Usable' }).click();
    await page.waitForURL(/category=usable/);
    await page.waitForFunction(() => document.querySelectorAll('main tbody th').length === 4);
    await table.getByRole('button', { name: 'Size' }).click();
    await page.waitForURL(/sort=size/);
    await page.waitForFunction(() => document.querySelector('main tbody th')?.textContent.includes('spare-4'));
    await page.getByRole('combobox', { name: 'Filter by primary' }).click();
    await page.getByRole('option', { name: 'oss2.example.net' }).click();
    await page.waitForURL(/primary=oss2.example.net/);
    await page.waitForFunction(() => [...document.querySelectorAll('main tbody tr')].every((r) => r.textContent.includes('oss2.example.net')));
    assert.ok(asked.some((q) => q.includes('category=usable') && q.includes('sort=size') && q.includes('primary=oss2.example.net')), asked.join('\n'));
    const address = page.url();
    await page.reload();
    await table.getByRole('link').first().waitFor();
    assert.equal(page.url(), address);
    await page.goto(`${mock.url}/volumes`);
    await page.getByRole('combobox', { name: 'Filter by file system' }).click();
    await page.getByRole('option', { name: 'File system home' }).click();
    await page.waitForFunction(() => [...document.querySelectorAll('main tbody tr')].every((r) => r.textContent.includes('home-OST')));
    await page.getByLabel('Filter by text').fill('no such thing');
    await page.getByText('No volume fits the filter').waitFor();
    await closePage(page);
  });

  it('makes the line that installs the agent by hand', async () => {
    const page = await openPage(browser, mock.url, '/hosts/add');
    await page.getByRole('button', { name: 'Make a line' }).click();
    const line = page.getByRole('region', { name: 'Run as root on the new host' });
    await line.getByText(`agent install --server '${mock.url.replace(/^http:/, 'https:')}'`).waitFor();
    await page.getByText(/^Good until/).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await closePage(page);
  });

  it('decides about the hosts of a volume, shows errors at their field, and leaves it to the server again', async () => {
    const page = await openPage(browser, mock.url, `/volumes/${volume('spare-5')}`, { allowErrors: true });
    const chosen = page.getByRole('region', { name: 'Where it should be used, and why there' });
    await chosen.getByText('The hosts that reach the volume are in no HA cluster together.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Save' }).isDisabled(), true);
    const choose = async (field, option) => {
      await page.getByRole('combobox', { name: field }).click();
      await page.getByRole('option', { name: option, exact: true }).click();
    };
    await choose('Primary', 'oss1.example.net');
    await choose('Secondary', 'oss3.example.net');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('are not in one HA cluster; declare one that both are in').waitFor();
    assert.equal(await focused(page), 'decide-secondary');
    assert.deepEqual(await accessibilityProblems(page), []);
    await choose('Secondary', 'None');
    assert.equal(await page.getByText('are not in one HA cluster').count(), 0, 'what is being put right is no longer wrong');
    await page.getByRole('button', { name: 'Save' }).click();
    await chosen.getByText('Decided by page').waitFor();
    await chosen.getByText('oss1.example.net').waitFor();
    await page.reload();
    await chosen.getByText('Decided by page').waitFor();
    await page.getByRole('button', { name: 'Leave it to the server' }).click();
    await chosen.getByText('Decided by page').waitFor({ state: 'detached' });
    await chosen.getByText('in no HA cluster together').waitFor();
    assert.equal(await page.getByRole('combobox', { name: 'Primary' }).inputValue(), 'The server’s choice');
    await closePage(page);
  });

  it('shows a decision that somebody else makes, at once', async () => {
    const id = volume('spare-2');
    const page = await openPage(browser, mock.url, `/volumes/${id}`);
    const chosen = page.getByRole('region', { name: 'Where it should be used, and why there' });
    await chosen.getByText('Primary', { exact: true }).waitFor();
    await page.getByRole('status').getByText('Live').waitFor();
    await fetch(`${mock.url}/api/v1/volumes/${id}`, { method: 'PATCH', body: JSON.stringify({ secondary: 'none' }) });
    await chosen.getByText('A user wants none: page.').waitFor();
    await closePage(page);
  });

  it('has a volume in use keep its hosts', async () => {
    const lun = [...mock.fleet.volumes.values()].find((v) => v.drive.class.name === 'Lun').drive.id;
    const page = await openPage(browser, mock.url, `/volumes/${lun}`);
    await page.getByText('so its hosts stay as they are').waitFor();
    assert.equal(await page.getByRole('combobox', { name: 'Primary' }).isDisabled(), true);
    assert.equal(await page.getByRole('button', { name: 'Leave it to the server' }).isDisabled(), true);
    await closePage(page);
  });

  it('reloads a plugin after showing what it declares otherwise', async () => {
    const page = await openPage(browser, mock.url, '/plugins');
    await page.getByRole('row', { name: /acme.*This server/ }).getByRole('link').click();
    await page.getByText('Its files changed since they were loaded.').waitFor();
    await page.getByRole('button', { name: 'Reload …' }).click();
    const dialog = page.getByRole('dialog', { name: 'Reload acme?' });
    await dialog.getByText('its values are dropped (240 resources)').waitFor();
    await picture(page, 'plugin-reload');
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.equal(mock.plugins.find('acme').version, '1', 'nothing is done before it is wanted');
    await dialog.getByRole('button', { name: 'Reload' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('log').getByText('the new version is in charge').waitFor();
    await page.getByText('Its files changed').waitFor({ state: 'detached' });
    assert.equal(mock.plugins.find('acme').version, '2');
    await closePage(page);
  });

  it('does not reload a plugin whose files are broken', async () => {
    const page = await openPage(browser, mock.url, '/plugins/tapes', { allowErrors: true });
    const problems = page.getByRole('listitem').filter({ hasText: 'Integer has no option' });
    await problems.getByText('plugins/tapes.py:14').waitFor();
    await page.getByRole('button', { name: 'Reload …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The new version cannot be taken in').waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Reload' }).count(), 0);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Load' , exact: true }).click();
    await page.getByRole('alert').getByText('It was not loaded').waitFor();
    await closePage(page);
  });

  it('follows the log of a plugin, unloads it and loads it again, each where it runs', async () => {
    const page = await openPage(browser, mock.url, '/plugins/acme?runner=rack7');
    const log = page.getByRole('log');
    await log.getByText('the plugin is running').waitFor();
    mock.plugins.log(mock.plugins.find('acme', 'rack7'), 'error', 'the array hung up', { session: 's-9' });
    await log.getByText('the array hung up session=s-9').waitFor();
    await page.getByRole('combobox', { name: 'What is kept of the log' }).click();
    await page.getByRole('option', { name: 'Debug and above' }).click();
    await log.getByText('GET /api/disks took 41 ms').waitFor();
    assert.deepEqual(['acme', 'acme'].map((n, i) => mock.plugins.find(n, ['rack7', ''][i]).log_level), ['debug', 'warning']);
    await page.getByRole('button', { name: 'Unload …' }).click();
    await page.getByRole('dialog').getByText('What it reported stays, stale').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Unload' }).click();
    await page.getByText('Unloaded', { exact: true }).waitFor();
    assert.equal(mock.plugins.find('acme').state, 'running', 'that of the server goes on');
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await page.getByText('Running', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'this server' }).click();
    await page.waitForURL(/plugins\/acme$/);
    await closePage(page);
  });

  it('loads a plugin by its name, and says at the field that there is none', async () => {
    const page = await openPage(browser, mock.url, '/plugins', { allowErrors: true });
    await page.getByRole('button', { name: 'Load a plugin' }).click();
    const name = page.getByRole('textbox', { name: 'Name of the plugin' });
    await name.fill('none');
    await page.keyboard.press('Enter');
    await page.getByText('there is no plugin none in the configuration').waitFor();
    await name.fill('vault');
    await page.getByRole('combobox', { name: 'Where' }).click();
    await page.getByRole('option', { name: 'Runner rack7' }).click();
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await page.waitForURL(/plugins\/vault\?runner=rack7/);
    await page.getByRole('heading', { level: 1, name: 'vault' }).waitFor();
    await page.getByText('Running', { exact: true }).waitFor();
    await closePage(page);
  });

  it('does not jump while the pages load', async () => {
    for (const path of [`/hosts/${mock.fleet.hosts.get('oss1.example.net').resource.id}`, `/volumes/${volume('spare-1')}`, '/plugins/acme', '/volumes']) {
      const page = await openPage(browser, mock.url, path);
      await page.locator('main').getByRole('link').first().waitFor();
      await page.waitForTimeout(800); // what comes late is what makes a page jump
      const shift = await layoutShift(page);
      assert.ok(shift < 0.1, `${path}: layout shift ${shift}`);
      await closePage(page);
    }
  });
});
