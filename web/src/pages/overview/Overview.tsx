import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { classesQuery, controllersQuery, pluginsQuery, standingQuery, statusQuery } from '../../api/queries';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { formFields } from '../add/form';
import { ClassHealth } from './ClassHealth';
import { Controllers } from './Controllers';
import { LastDay } from './LastDay';
import { OpenIncidents } from './OpenIncidents';
import classes from './Overview.module.css';
import { StandingPanel } from './StandingPanel';

/** Which file systems are in danger and why, at a glance. */
export function Overview() {
  const { data: status, error } = useQuery(statusQuery);
  const { data: roots } = useQuery(controllersQuery);
  const { data: standing } = useQuery(standingQuery);
  if (error && !status) {
    return (
      <Message page title="The server cannot be asked" alert>
        <p>{errorText(error)} The page tries again by itself.</p>
      </Message>
    );
  }
  if (status?.resources.total === 0 && roots?.items.length === 0) {
    return (
      <Page title="">
        <h1 className="visually-hidden">Overview</h1>
        <Welcome />
      </Page>
    );
  }
  return (
    <Page title="">
      <h1 className="visually-hidden">Overview</h1>
      <div className={classes['standing']}>
        <StandingPanel title="File systems" kind={standing?.filesystems} limit={8} none={<NoFileSystem />} />
        <StandingPanel title="Volumes" kind={standing?.volumes} limit={4} none="No volume is known yet: controllers and hosts report them." />
      </div>
      <div className={classes['columns']}>
        <div className={classes['column']}>
          <OpenIncidents />
          <ClassHealth status={status} />
        </div>
        <div className={classes['column']}>
          <Controllers />
          <LastDay />
        </div>
      </div>
    </Page>
  );
}

/** What to do so that file systems appear. */
function NoFileSystem() {
  return (
    <>
      No file system is known yet. Hosts report them: <code>faultline add host ADDRESS</code> installs the agent on one.
    </>
  );
}

/** The command that adds a controller of the first class that can be added. */
function addCommand(classes: Schema['Class'][]): string {
  const cls = classes.find((c) => c.scannable);
  if (!cls) return 'faultline add PLUGIN.CLASS name=value ...';
  const needed = formFields(cls).filter((f) => f.required);
  return ['faultline add', cls.full, ...needed.map((f) => `${f.name}=...`)].join(' ');
}

/** What to do on a server that knows nothing yet. */
function Welcome() {
  const { data: plugins } = useQuery(pluginsQuery);
  const { data: declared } = useQuery(classesQuery);
  const none = plugins?.items.length === 0;
  return (
    <section className="panel">
      {none ? (
        <Message title="No plugin is loaded">
          <p>Plugins teach Faultline about storage hardware. Name one when you start the server:</p>
          <pre>
            <code>faultline serve --plugin builtin:redfish</code>
          </pre>
        </Message>
      ) : (
        <Message title="No controller yet">
          <p>
            Add the first one, and what its plugin finds behind it, from fans to file systems, appears here; this page then tells which file systems are in danger, and by what.
            In a terminal the same is done with:
          </p>
          <pre>
            <code>{addCommand(declared?.items ?? [])}</code>
          </pre>
          <div>
            <Button component={Link} to="/add" size="sm">
              Add a controller
            </Button>
          </div>
          <p>
            Storage servers tell their side, from disks to Lustre targets, once the agent runs there: <code>faultline add host ADDRESS</code>
          </p>
        </Message>
      )}
    </section>
  );
}
