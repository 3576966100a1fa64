import { getRouteApi, Link } from '@tanstack/react-router';
import { Heading } from '../../ui/Heading';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import classes from './AddHostPage.module.css';
import { ByHand } from './ByHand';
import { BySSH } from './BySSH';
import { Installation } from './Installation';

const route = getRouteApi('/hosts/add');

/** Two ways to a new host: the server installs the agent over SSH, or a person runs one line there. */
export function AddHostPage() {
  const search = route.useSearch();
  return (
    <Page title="Add a host">
      <Heading trail={<Link to="/hosts">Hosts</Link>} title="Add a host" />
      <div className={classes['ways']}>
        <section className="panel" aria-labelledby="by-ssh">
          <header>
            <h2 id="by-ssh">The server installs the agent, over SSH</h2>
          </header>
          <div className={classes['body']}>
            {/* Another address is another form. */}
            <BySSH key={`${search.address ?? ''} ${search.name ?? ''}`} start={search} />
          </div>
        </section>
        <section className="panel" aria-labelledby="progress" aria-live="polite">
          <header>
            <h2 id="progress">What happens</h2>
          </header>
          {search.installation === undefined ? (
            <Message title="Nothing yet">
              <p>A dry run connects to the machine and tells each step that an installation would take. It changes nothing.</p>
            </Message>
          ) : (
            <Installation key={search.installation} id={search.installation} />
          )}
        </section>
      </div>
      <section className="panel" aria-labelledby="by-hand">
        <header>
          <h2 id="by-hand">Without SSH: one line, run by root on the machine</h2>
        </header>
        <div className={classes['body']}>
          <ByHand />
        </div>
      </section>
    </Page>
  );
}
