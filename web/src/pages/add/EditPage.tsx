import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { errorText, ProblemError } from '../../api/problem';
import { classesQuery, resourceQuery } from '../../api/queries';
import { parseID } from '../../format/id';
import { ClassLabels, fullClass } from '../../ui/classes';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import { ResourceLink } from '../../ui/ResourceLink';
import { Session } from '../resource/Session';
import classes from './AddPage.module.css';
import { ControllerForm } from './ControllerForm';

const route = getRouteApi('/resource/$id/edit');

/** Changes what a user gave of a controller. */
export function EditPage() {
  const { id } = route.useParams();
  const n = parseID(id);
  const { data: resource, error } = useQuery({ ...resourceQuery(n ?? 0), enabled: n !== undefined });
  const { data: declared } = useQuery(classesQuery);
  const cls = resource && declared?.items.find((c) => c.full === fullClass(resource));
  if (n === undefined || (error instanceof ProblemError && error.status === 404)) {
    return (
      <Message page title="There is no such controller">
        <p>It was removed, or the address is wrong.</p>
      </Message>
    );
  }
  if (error && !resource) {
    return (
      <Message page title="The controller cannot be read" alert>
        <p>{errorText(error)}</p>
      </Message>
    );
  }
  if (!resource || !declared) {
    return (
      <Page title="">
        <Skeleton height={28} width={320} />
        <Skeleton height={420} maw={560} />
      </Page>
    );
  }
  if (!resource.deletable || !cls) {
    return (
      <Message page title={`${resource.name} cannot be edited`}>
        <p>Its plugin reports it; only what a user added can be changed.</p>
      </Message>
    );
  }
  return (
    <Page title={`Edit ${resource.name}`}>
      <h1>Edit {resource.name}</h1>
      {resource.session && (
        <div className={classes['state']}>
          <Session session={resource.session} />
        </div>
      )}
      <div className={`panel ${classes['box'] ?? ''}`}>
        <p className={classes['lead']}>
          {new ClassLabels(declared.items).label(cls.full)} of plugin {cls.plugin}. Its name is changed on <ResourceLink id={resource.id}>its own page</ResourceLink>.
        </p>
        <ControllerForm key={resource.id} cls={cls} label="changes" resource={resource} />
      </div>
    </Page>
  );
}
