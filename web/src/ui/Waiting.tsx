import { Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import { Page } from './Page';

/** Stands in place of a page while its first answer is under way, in the shape that the page will have. */
export function Waiting({ children }: { children: ReactNode }) {
  return (
    <Page title="">
      <div aria-hidden="true" style={{ display: 'contents' }}>
        {children}
      </div>
      <p className="visually-hidden" role="status">
        Loading
      </p>
    </Page>
  );
}

/** The shape of a Heading. */
export function HeadingShape() {
  return (
    <div>
      <Skeleton height={16} width={80} />
      <Skeleton height={28} width={320} mt={8} />
    </div>
  );
}
