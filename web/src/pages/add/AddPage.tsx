import { Select, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { errorText } from '../../api/problem';
import { classesQuery } from '../../api/queries';
import { ClassLabels } from '../../ui/classes';
import { Message } from '../../ui/Message';
import { Page } from '../../ui/Page';
import classes from './AddPage.module.css';
import { ControllerForm } from './ControllerForm';

const route = getRouteApi('/add');

/** Adds a controller, with a form that its class declares. */
export function AddPage() {
  const { class: asked } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: declared, error } = useQuery(classesQuery);
  const scannable = declared?.items.filter((c) => c.scannable);
  const labels = new ClassLabels(declared?.items ?? []);
  const only = scannable?.length === 1 ? scannable[0] : undefined;
  const cls = scannable?.find((c) => c.full === asked) ?? only;
  return (
    <Page title="Add a controller">
      <h1>Add a controller</h1>
      {error && !declared && (
        <Message title="The classes cannot be read" alert>
          <p>{errorText(error)}</p>
        </Message>
      )}
      {!declared && !error && <Skeleton height={320} maw={560} />}
      {scannable?.length === 0 && (
        <Message title="No plugin can scan anything">
          <p>
            Load one that declares a scannable class, such as <code>faultline serve --plugin builtin:redfish</code>.
          </p>
        </Message>
      )}
      {scannable && scannable.length > 0 && (
        <div className={`panel ${classes['box'] ?? ''}`}>
          <Select
            label="What kind of controller?"
            placeholder="Choose one"
            data={scannable.map((c) => ({ value: c.full, label: `${labels.label(c.full)} (plugin ${c.plugin})` }))}
            value={cls?.full ?? null}
            onChange={(v) => void navigate({ search: v === null ? {} : { class: v }, replace: true })}
            allowDeselect={false}
            searchable={scannable.length > 8}
          />
          {cls && <ControllerForm key={cls.full} cls={cls} label={labels.label(cls.full)} />}
        </div>
      )}
    </Page>
  );
}
