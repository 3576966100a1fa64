import { Skeleton, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schema } from '../../api/client';
import { errorText } from '../../api/problem';
import { endedIncidentsQuery, incidentsQuery, shownIncidents } from '../../api/queries';
import { formatCount } from '../../format/number';
import { formatDuration } from '../../format/time';
import { HealthIcon } from '../../ui/HealthIcon';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { Ago } from '../../ui/Time';
import { IncidentLine } from './IncidentLine';
import line from './IncidentLine.module.css';
import classes from './IncidentsPage.module.css';

const route = getRouteApi('/incidents');
const most = 1000;

/** What is wrong now, each with all that follows from it, and what was. */
export function IncidentsPage() {
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const { data } = useQuery(incidentsQuery(shownIncidents));
  const recent = tab === 'recent';
  return (
    <Page title="Incidents">
      <div className={classes['head']}>
        <h1>Incidents</h1>
        <Tabs value={recent ? 'recent' : 'open'} onChange={(v) => void navigate({ search: { tab: v === 'recent' ? 'recent' : '' }, replace: true })} variant="pills" keepMounted={false}>
          <Tabs.List aria-label="Which incidents">
            <Tabs.Tab value="open" aria-controls="incidents">
              Open
              {data && <span className="number"> {formatCount(data.incidents)}</span>}
            </Tabs.Tab>
            <Tabs.Tab value="recent" aria-controls="incidents">
              Ended
            </Tabs.Tab>
          </Tabs.List>
        </Tabs>
      </div>
      <section className="panel" id="incidents" aria-label={recent ? 'Ended incidents' : 'Open incidents'}>
        {recent ? <Ended /> : <Open />}
      </section>
    </Page>
  );
}

function Open() {
  const [limit, setLimit] = useState(shownIncidents);
  const { data, error } = useQuery(incidentsQuery(limit));
  if (error && !data) {
    return (
      <Message title="The incidents cannot be listed" alert>
        <p>{errorText(error)}</p>
      </Message>
    );
  }
  if (!data) return <Wait />;
  if (data.items.length === 0) {
    return (
      <Message title="All is well">
        <p>Nothing has an alert that makes it sick.</p>
      </Message>
    );
  }
  return (
    <>
      <ul className={line['list']}>
        {data.items.map((i) => (
          <IncidentLine key={i.id} incident={i} />
        ))}
      </ul>
      {data.next !== undefined && limit < most && (
        <button type="button" className={classes['more']} onClick={() => setLimit(most)}>
          Show more of {formatCount(data.incidents)}
        </button>
      )}
      {data.next !== undefined && limit >= most && <p className={classes['more']}>The worst {formatCount(most)} are shown.</p>}
    </>
  );
}

/** What was sick and is well, each with what followed from it, the last to end first. */
function Ended() {
  const [limit, setLimit] = useState(shownIncidents);
  const { data, error } = useQuery(endedIncidentsQuery(limit));
  if (error && !data) {
    return (
      <Message title="What has ended cannot be listed" alert>
        <p>{errorText(error)}</p>
      </Message>
    );
  }
  if (!data) return <Wait />;
  if (data.items.length === 0) {
    return (
      <Message title="Nothing has ended yet">
        <p>What made something sick moves here when its condition no longer holds, for 30 days.</p>
      </Message>
    );
  }
  return (
    <>
      <ul className={line['list']}>
        {data.items.map((i) => (
          <EndedLine key={`${i.id} ${i.began}`} incident={i} />
        ))}
      </ul>
      {data.truncated && limit < most && (
        <button type="button" className={classes['more']} onClick={() => setLimit(most)}>
          Show earlier ones
        </button>
      )}
      {data.truncated && limit >= most && <p className={classes['more']}>Earlier ones are not listed.</p>}
    </>
  );
}

function EndedLine({ incident: i }: { incident: Schema['EndedIncident'] }) {
  const title = `${i.causes[0]?.message ?? 'It was not well'}: ${i.name}`;
  const more = i.causes.length - 1;
  return (
    <li className={line['line']}>
      <HealthIcon health={i.severity} size={18} />
      <div className={line['body']}>
        <div className={line['cause']}>
          {i.gone ? (
            title
          ) : (
            <Link to="/incidents/$id" params={{ id: String(i.id) }}>
              {title}
            </Link>
          )}
          {more > 0 && <span className="muted"> and {formatCount(more)} more</span>}
        </div>
        <div className={line['effect']}>
          lasted {formatDuration(Date.parse(i.ended) - Date.parse(i.began))}
          {i.effects > 0 && ` · ${formatCount(i.effects)} ${i.effects === 1 ? 'alert' : 'alerts'} followed from it`}
          {i.gone && ' · it is gone'}
        </div>
      </div>
      <div className={line['when']}>
        <span>
          ended <Ago time={i.ended} />
        </span>
      </div>
    </li>
  );
}

function Wait() {
  return (
    <div aria-hidden="true">
      {Array.from({ length: 5 }, (_, i) => (
        <Skeleton key={i} height={36} m="sm" width="auto" />
      ))}
    </div>
  );
}
