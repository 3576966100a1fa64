import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { errorText } from '../../api/problem';
import { searchQuery } from '../../api/queries';
import { Found } from '../../app/Search';
import { formatCount } from '../../format/number';
import { fullClass } from '../../ui/classes';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { ResourceLink } from '../../ui/ResourceLink';
import { useClasses } from '../../ui/useClasses';
import classes from './SearchPage.module.css';

const route = getRouteApi('/search');
const shown = 10;

/** All resources with a text in their name or attributes, by class; the tables of the classes have the rest. */
export function SearchPage() {
  const { q = '' } = route.useSearch();
  const { data, error } = useQuery(searchQuery(q, shown));
  const labels = useClasses();
  return (
    <Page title={`Search: ${q}`}>
      <div className={classes['head']}>
        <h1>Found for “{q}”</h1>
        <span className="muted number">{data ? `${formatCount(data.total)} ${data.total === 1 ? 'resource' : 'resources'}` : ''}</span>
      </div>
      {error && !data ? (
        <Message title="The search failed" alert>
          <p>{errorText(error)}</p>
        </Message>
      ) : (
        <section aria-label="Found resources" className={classes['groups']}>
          {!data && q !== '' && [0, 1].map((i) => <Skeleton key={i} height={180} />)}
          {(data?.groups.length === 0 || q === '') && (
            <Message title={q === '' ? 'Type what you look for' : 'Nothing was found'}>
              <p>
                {q === ''
                  ? 'The field at the top finds names, serial numbers, world wide names and addresses.'
                  : 'No resource has this text in its name or in an attribute. A part of a serial number or of a world wide name is enough.'}
              </p>
            </Message>
          )}
          {data?.groups.map((g) => {
            const label = labels.label(fullClass(g));
            return (
              <section key={fullClass(g)} className="panel" aria-label={label}>
                <header>
                  <h2>{label}</h2>
                  <span className="muted number">{formatCount(g.count)}</span>
                  <Link to="/resources/$plugin/$class" params={{ plugin: g.plugin, class: g.class }} search={{ q }}>
                    {g.count > g.items.length ? `All ${formatCount(g.count)} in a table` : 'As a table'}
                  </Link>
                </header>
                <ul className={classes['list']}>
                  {g.items.map((i) => (
                    <li key={i.id}>
                      <ResourceLink id={i.id}>
                        <Found item={i} text={q} />
                      </ResourceLink>
                    </li>
                  ))}
                </ul>
              </section>
            );
          })}
        </section>
      )}
    </Page>
  );
}
